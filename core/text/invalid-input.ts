import { type Issue, OpsError } from "../errors.ts";
import type { Text } from "../reply.ts";

/** How many things are said to be wrong at once. */
export const MAX_ISSUES = 20;

/** An `invalid_input` about one field, or about the whole line where `path` is "". The log gets the text's key only, never what was typed. */
export function invalidInput(path: string, message: Text): OpsError {
  return invalidInputs([{ path, message }]);
}

/** An `invalid_input` with all its issues; the first one's sentence is the one a chat shows. */
export function invalidInputs(issues: readonly Issue[]): OpsError {
  const told = issues.slice(0, MAX_ISSUES);
  const log = told.map(({ path, message }) => `${path || "input"} (${"key" in message ? message.key : "text"})`).join(", ");
  return new OpsError("invalid_input", `invalid input: ${log}`, { issues: told, ...(told[0] && { text: told[0].message }) });
}
