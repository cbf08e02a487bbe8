import type { Command, CommandContext } from "./command.ts";
import { OpsError } from "./errors.ts";
import { parseInput } from "./text/issues.ts";

/** How long a handler that is told to stop may take to give what it has, in milliseconds. Longer than one call to a provider usually takes. */
const GRACE_MS = 5_000;

/** The last part of a handler's time: it is told to end, and may still give what it has. */
const CLOSING = 0.05;

/**
 * Runs one handler: validates the input again (what is stored was written by an older release), holds the command's time limit,
 * validates the output. Used by dispatch for inline commands and by the worker for queued ones.
 * @throws OpsError `timeout` when the limit has passed, `unavailable` when the process is stopping, `cancelled` when somebody wants the run
 *   stopped (its cause is what the handler said to that, if anything), or what the handler threw
 */
export async function execute(command: Command, input: unknown, context: CommandContext): Promise<unknown> {
  const parsed = parseInput(command, input);
  if (context.signal.aborted) throw reasonOf(context.signal);
  // One controller a call, and a timer that is cleared: AbortSignal.timeout and AbortSignal.any keep what they made until the limit has passed, and longer.
  const call = new AbortController();
  const { timeout_ms } = command.execution;
  let leave = (_why: OpsError): void => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = reject;
  });
  let grace: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    const why = reasonOf(context.signal);
    call.abort(why);
    // Whose process stops has no time left; one that is cancelled may still say how far it came.
    if (why.code === "cancelled") grace = setTimeout(() => leave(why), GRACE_MS);
    else leave(why);
  };
  const closing = setTimeout(() => call.abort(tooLong(command)), timeout_ms * (1 - CLOSING));
  const limit = setTimeout(() => leave(tooLong(command)), timeout_ms);
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    const output = await Promise.race([command.handle(parsed, { ...context, signal: call.signal }), left]);
    return command.output.parse(output);
  } catch (thrown) {
    // A handler that breaks off because it was told to is not what went wrong.
    throw call.signal.aborted ? because(call.signal.reason as OpsError, thrown) : thrown;
  } finally {
    clearTimeout(grace);
    clearTimeout(closing);
    clearTimeout(limit);
    context.signal.removeEventListener("abort", stop);
  }
}

/** What another release has stored may hold fields that this one does not know; whoever asked cannot mend that any more. */
export function knownInput({ input }: Pick<Command, "input">, stored: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stored).filter(([name]) => Object.hasOwn(input.shape, name)));
}

function reasonOf({ reason }: AbortSignal): OpsError {
  return reason instanceof OpsError ? reason : new OpsError("unavailable", "the process is stopping");
}

/** What a handler says when it is cancelled is kept: it may know that nothing was done. */
function because(why: OpsError, thrown: unknown): OpsError {
  if (why.code !== "cancelled" || thrown === why) return why;
  return new OpsError(why.code, why.message, { text: why.text, cause: thrown });
}

function tooLong({ name, execution }: Command): OpsError {
  return new OpsError("timeout", `${name} took longer than ${execution.timeout_ms} ms`);
}
