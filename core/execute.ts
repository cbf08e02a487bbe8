import type { Command, CommandContext } from "./command.ts";
import { OpsError } from "./errors.ts";
import { parseInput } from "./text/issues.ts";

/**
 * Runs one handler: validates the input again (what is stored was written by an older release), holds the command's time limit,
 * validates the output. Used by dispatch for inline commands and by the worker for queued ones.
 * @throws OpsError `timeout` when the limit has passed, `unavailable` when the process is stopping, or what the handler threw
 */
export async function execute(command: Command, input: unknown, context: CommandContext): Promise<unknown> {
  const parsed = parseInput(command, input);
  const limit = AbortSignal.timeout(command.execution.timeout_ms);
  const signal = AbortSignal.any([context.signal, limit]);
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(abortError(command, limit.aborted)), { once: true });
  });
  if (signal.aborted) throw abortError(command, limit.aborted);
  const output = await Promise.race([command.handle(parsed, { ...context, signal }), aborted]);
  return command.output.parse(output);
}

function abortError(command: Command, timedOut: boolean): OpsError {
  if (!timedOut) return new OpsError("unavailable", "the process is stopping");
  return new OpsError("timeout", `${command.name} took longer than ${command.execution.timeout_ms} ms`);
}
