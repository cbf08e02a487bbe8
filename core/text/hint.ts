import { OpsError } from "../errors.ts";
import type { Text } from "../reply.ts";
import { invalidInputs } from "./invalid-input.ts";

/**
 * Carries out the check of an input; where it is refused, the hint says besides what may have been meant.
 * @throws what the check throws
 */
export function withHint<T>(hint: Text | undefined, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (!hint || !(thrown instanceof OpsError) || thrown.code !== "invalid_input") throw thrown;
    throw invalidInputs([...thrown.issues, { path: "", message: hint }]);
  }
}
