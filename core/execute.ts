import type { Command, CommandContext } from "./command.ts";
import { OpsError } from "./errors.ts";
import { parseInput } from "./text/issues.ts";

/** The last part of a handler's time: it is told to end, and may still give what it has. */
const CLOSING = 0.05;

/**
 * Runs one handler: validates the input again (what is stored was written by an older release), holds the command's time limit,
 * validates the output. Used by dispatch for inline commands and by the worker for queued ones.
 * @throws OpsError `timeout` when the limit has passed, `unavailable` when the process is stopping, or what the handler threw
 */
export async function execute(command: Command, input: unknown, context: CommandContext): Promise<unknown> {
  const parsed = parseInput(command, input);
  if (context.signal.aborted) throw stopped();
  // One controller a call, and a timer that is cleared: AbortSignal.timeout and AbortSignal.any keep what they made until the limit has passed, and longer.
  const call = new AbortController();
  const { timeout_ms } = command.execution;
  let leave = (_why: OpsError): void => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = reject;
  });
  const stop = () => {
    call.abort(stopped());
    leave(stopped());
  };
  const closing = setTimeout(() => call.abort(tooLong(command)), timeout_ms * (1 - CLOSING));
  const limit = setTimeout(() => leave(tooLong(command)), timeout_ms);
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    const output = await Promise.race([command.handle(parsed, { ...context, signal: call.signal }), left]);
    return command.output.parse(output);
  } catch (thrown) {
    // A handler that breaks off because it was told to is not what went wrong.
    throw call.signal.aborted ? call.signal.reason : thrown;
  } finally {
    clearTimeout(closing);
    clearTimeout(limit);
    context.signal.removeEventListener("abort", stop);
  }
}

function stopped(): OpsError {
  return new OpsError("unavailable", "the process is stopping");
}

function tooLong({ name, execution }: Command): OpsError {
  return new OpsError("timeout", `${name} took longer than ${execution.timeout_ms} ms`);
}
