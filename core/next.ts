import { slugOf } from "./command.ts";
import { OpsError } from "./errors.ts";
import { knownInput } from "./execute.ts";
import { authorise } from "./policy/authorise.ts";
import type { Call } from "./policy/call.ts";
import type { Registry } from "./registry.ts";
import { text } from "./reply.ts";
import type { Outcome } from "./request.ts";
import { secretFields } from "./secret.ts";
import { parseInput } from "./text/issues.ts";

/**
 * The call that a command has led to (`Command.next`), as if its asker had asked for it: by their role as it is now, and not confirmed yet.
 * It has the request's own seed, so that the same request leads to the same run.
 * @returns null where the command leads to no other
 * @throws OpsError `unknown_command`, `forbidden` or `invalid_input` when it cannot be asked for
 */
export function nextCall(registry: Registry, call: Call, outcome: Outcome): Call | null {
  const next = outcome.kind === "done" ? call.command.next?.(outcome.output) : undefined;
  if (!next) return null;
  const command = registry.find(next.command);
  if (!command) throw new OpsError("unknown_command", `no command ${next.command} in this release`);
  authorise(command, call.person);
  const given = secretFields(command.input).filter((field) => next.input[field] !== undefined);
  // What was stored of a secret is not what was given, and it is not to be read back.
  if (given.length > 0) {
    const params = { command: slugOf(command), fields: given.join(", ") };
    throw new OpsError("invalid_input", "its input holds a secret", { text: text("run.retry_secret", params) });
  }
  return { ...call, command, input: parseInput(command, knownInput(command, next.input)) };
}

/** The answer of a run that was done at once says which run it was; that of a queued one does so anyway. */
export function naming(outcome: Outcome): Outcome {
  if (outcome.kind !== "done" || outcome.run_id === undefined) return outcome;
  const field = { label: text("run.id"), value: { raw: outcome.run_id }, code: true };
  return { ...outcome, reply: { ...outcome.reply, fields: [...(outcome.reply.fields ?? []), field] } };
}
