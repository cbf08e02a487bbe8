import { z } from "zod";
import { effectOf, slugOf } from "../command.ts";
import { OpsError } from "../errors.ts";
import type { CommandPorts, Ephemeral } from "../ports.ts";
import { raw, text } from "../reply.ts";
import type { Outcome, Person, Request } from "../request.ts";
import { maskSecrets } from "../secret.ts";
import type { Call } from "./call.ts";

/** How long a question stays open (contract, REST). */
const CONFIRMATION_MS = 600_000;

const Confirmation = z.object({
  person_id: z.string(),
  command: z.string(),
  input: z.record(z.string(), z.unknown()),
  /** The chat the result goes to, where it was asked for by someone who does not wait for it there. Absent: the answer of the confirmation. */
  reply_to: z.object({ platform: z.string(), address: z.string() }).optional(),
  /** As in the request. */
  dedupe: z.string().optional(),
  /** The request that used it; that request may come again, no other may. */
  used_by: z.string().optional(),
});

/** What was asked to be confirmed. The input is the parsed one, not the line. */
export type Confirmation = z.infer<typeof Confirmation>;

const keyOf = (token: string) => `confirm:${token}`;

/** What asking needs of the world. */
interface Asking {
  readonly newToken: () => string;
  readonly ports: CommandPorts;
}

/** Asks before a dangerous call; null where nothing is to be asked. The question is stored first, bound to its person. */
export async function confirm(call: Call, ephemeral: Ephemeral, { newToken, ports }: Asking): Promise<Outcome | null> {
  if (call.confirmed || effectOf(call.command, call.input) !== "dangerous") return null;
  const preview = (await call.command.preview?.(call.input, ports)) ?? [];
  const token = newToken();
  const command = slugOf(call.command);
  await ephemeral.put(
    keyOf(token),
    { person_id: call.person.person_id, command, input: call.input, ...wayBack(call.request) },
    CONFIRMATION_MS,
  );
  const shown = Object.entries(maskSecrets(call.command.input, call.input)).map(([name, value]) => ({
    label: raw(name),
    value: raw(Array.isArray(value) ? value.join(", ") : String(value)),
    code: true,
  }));
  return {
    kind: "confirm",
    token,
    reply: {
      tone: "warn",
      title: text("confirm.question", { command }),
      fields: shown,
      lines: [...preview, text("confirm.expires", { minutes: CONFIRMATION_MS / 60_000 })],
      buttons: [
        { label: text("confirm.yes"), action: { kind: "confirm", token } },
        { label: text("confirm.no"), action: { kind: "cancel", token } },
      ],
    },
  };
}

function wayBack({ reply_to, dedupe }: Request): Pick<Confirmation, "reply_to" | "dedupe"> {
  return {
    ...(reply_to && { reply_to: { platform: reply_to.platform, address: reply_to.address } }),
    ...(dedupe !== undefined && { dedupe }),
  };
}

/**
 * What a token stands for, left as it is.
 * @throws OpsError `confirmation_gone` when it has expired, was used by another request, or belongs to another person (who is told no more)
 */
export async function readConfirmation(token: string, request: Asker, ephemeral: Ephemeral): Promise<Confirmation> {
  return ofAsker(await ephemeral.get(keyOf(token)), request);
}

/**
 * Uses a token up, for this request: of two that try at once one gets it. It may get it again, for it may be delivered again.
 * @throws OpsError `confirmation_gone` as `readConfirmation`
 */
export async function useConfirmation(token: string, request: Asker, ephemeral: Ephemeral): Promise<void> {
  const asked = await readConfirmation(token, request, ephemeral);
  if (asked.used_by !== undefined) return;
  // Taking it is what one alone can do; marked with its taker it is put back.
  const taken = ofAsker(await ephemeral.take(keyOf(token)), request);
  await ephemeral.put(keyOf(token), { ...taken, used_by: request.request_id }, CONFIRMATION_MS);
}

/** Opens a used token again, where what it was used for could not be begun. */
export async function reopenConfirmation(token: string, asked: Confirmation, ephemeral: Ephemeral): Promise<void> {
  const { used_by: _used, ...open } = asked;
  await ephemeral.put(keyOf(token), open, CONFIRMATION_MS);
}

type Asker = Request & { readonly person: Person };

function ofAsker(stored: unknown, request: Asker): Confirmation {
  const found = Confirmation.safeParse(stored);
  const theirs = found.success && found.data.person_id === request.person.person_id;
  if (theirs && (found.data.used_by ?? request.request_id) === request.request_id) return found.data;
  throw new OpsError("confirmation_gone", "no such confirmation for this person");
}
