import { z } from "zod";
import { effectOf, slugOf } from "../command.ts";
import { OpsError } from "../errors.ts";
import type { Ephemeral } from "../ports.ts";
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
  /** The request that used it; that request may come again, no other may. */
  used_by: z.string().optional(),
});

/** What was asked to be confirmed. The input is the parsed one, not the line. */
export type Confirmation = z.infer<typeof Confirmation>;

const keyOf = (token: string) => `confirm:${token}`;

/** Asks before a dangerous call; null where nothing is to be asked. The question is stored first, bound to its person. */
export async function confirm(call: Call, ephemeral: Ephemeral, newToken: () => string): Promise<Outcome | null> {
  if (call.confirmed || effectOf(call.command, call.input) !== "dangerous") return null;
  const token = newToken();
  const command = slugOf(call.command);
  await ephemeral.put(keyOf(token), { person_id: call.person.person_id, command, input: call.input }, CONFIRMATION_MS);
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
      lines: [text("confirm.expires", { minutes: CONFIRMATION_MS / 60_000 })],
      buttons: [
        { label: text("confirm.yes"), action: { kind: "confirm", token } },
        { label: text("confirm.no"), action: { kind: "cancel", token } },
      ],
    },
  };
}

/**
 * What a token stands for. It is marked as used only once the run is stored, so that a crash in between loses nothing,
 * and the request that used it may be delivered again.
 * @throws OpsError `confirmation_gone` when it has expired, was used, or belongs to another person (who is told no more than that)
 */
export async function readConfirmation(
  token: string,
  request: Request & { readonly person: Person },
  ephemeral: Ephemeral,
): Promise<Confirmation> {
  const found = Confirmation.safeParse(await ephemeral.get(keyOf(token)));
  const theirs = found.success && found.data.person_id === request.person.person_id;
  if (theirs && (found.data.used_by ?? request.request_id) === request.request_id) return found.data;
  throw new OpsError("confirmation_gone", "no such confirmation for this person");
}

/** Marks a token as used by this request. */
export async function useConfirmation(
  token: string,
  asked: Confirmation,
  use: { readonly request_id: string; readonly ephemeral: Ephemeral },
): Promise<void> {
  await use.ephemeral.put(keyOf(token), { ...asked, used_by: use.request_id }, CONFIRMATION_MS);
}
