import { z } from "zod";
import { type Command, slugOf } from "./command.ts";
import type { Ephemeral } from "./ports.ts";
import { questionKey } from "./registry.ts";
import { text } from "./reply.ts";
import type { Outcome, Request } from "./request.ts";

/** How long a question waits for its answer (contract, "Chat grammar"). */
const CONVERSATION_MS = 180_000;
/** What ends a dialogue, in each language (contract, "Chat grammar"). */
const CANCEL_WORDS = ["cancel", "no", "취소", "아니", "отмена"];
/** A word as a menu (`/cancel`), a group (`/cancel@ops_bot`) or a phone's keyboard (`Cancel.`) writes it. */
const ONE_WORD = /^(?:\/([^\s@]+)(?:@\w+)?|([^\s/@]+))$/;

const Conversation = z.object({
  command: z.string(),
  input: z.record(z.string(), z.unknown()),
  field: z.string(),
  /** The request that was answered with this question; it may come again. */
  asked_by: z.string(),
  /** The request that ended it; that request may come again, for any other it is over. */
  ended_by: z.string().optional(),
});

/** A command that lacks an argument, and what is known of it so far. */
export type Conversation = z.infer<typeof Conversation>;

const keyOf = (request: Request) => `conversation:${request.identity}:${request.conversation}`;

/** Whether a line ends a dialogue. */
export function isCancel(line: string): boolean {
  const [, command, word] = ONE_WORD.exec(line.trim().replace(/[.,;!…]{1,3}$/, "")) ?? [];
  return CANCEL_WORDS.includes((command ?? word ?? "").toLowerCase());
}

/** The question that waits for this person in this place, or null. */
export async function openConversation(request: Request, ephemeral: Ephemeral): Promise<Conversation | null> {
  if (request.conversation === null) return null;
  const found = Conversation.safeParse(await ephemeral.get(keyOf(request)));
  return found.success && (found.data.ended_by ?? request.request_id) === request.request_id ? found.data : null;
}

/** Asks for one missing argument and remembers what is known. */
export async function askFor(
  request: Request,
  ephemeral: Ephemeral,
  { command, input, field }: { command: Command; input: Record<string, unknown>; field: string },
): Promise<Outcome> {
  const conversation: Conversation = { command: slugOf(command), input, field, asked_by: request.request_id };
  await ephemeral.put(keyOf(request), conversation, CONVERSATION_MS);
  return { kind: "ask", field, reply: { tone: "info", title: text(questionKey(command, field)), lines: [text("ask.how_to_stop")] } };
}

/** Ends the dialogue of this person in this place. Whoever delivers the same request again finds it as it was. */
export async function endConversation(request: Request, conversation: Conversation, ephemeral: Ephemeral): Promise<void> {
  await ephemeral.put(keyOf(request), { ...conversation, ended_by: request.request_id }, CONVERSATION_MS);
}
