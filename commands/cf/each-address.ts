import { atOnce, NETWORKS_AT_ONCE } from "../../core/at-once.ts";
import { isCancelled } from "../../core/cancelled.ts";
import type { CommandContext } from "../../core/command.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";
import type { Text } from "../../core/reply.ts";

/** The time limit of a command on addresses, in milliseconds: 100 of them, when Cloudflare takes seconds for a call. */
export const LIST_TIMEOUT_MS = 120_000;

/** What a command does with one address. */
export interface Work<R> {
  carryOut(ip: string): Promise<R>;
  /** What is told of an address that could not be dealt with. */
  giveUp(ip: string, error: OpsError): R;
  /** What is told of all where nobody knows what became of them; what the failure itself says by default. */
  readonly allOpen?: (ips: readonly string[]) => Text;
}

/**
 * Deals with addresses, a few at once. What may pass is thrown while a try is left, a step nobody knows the end of too: another try of
 * the whole list is harmless, since every step looks before it repeats. On the last try what is there is given, late addresses as such.
 * @returns one result each, in the order the addresses were given
 * @throws OpsError as the worst failure, when not one address succeeded: then the run has failed too
 */
export async function eachAddress<R>(
  ips: readonly string[],
  { signal, last_attempt }: Pick<CommandContext, "signal" | "last_attempt">,
  work: Work<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const failures: OpsError[] = [];
  let end: OpsError | undefined;

  const deal = async (at: number, ip: string) => {
    try {
      if (signal.aborted) throw new OpsError("timeout", `there was no time left for ${ip}`);
      results[at] = await work.carryOut(ip);
    } catch (thrown) {
      const error = toOpsError(thrown);
      if (endsAll(error, last_attempt || isCancelled(signal))) end ??= error;
      failures.push(error);
      results[at] = work.giveUp(ip, error);
    }
  };
  await atOnce([...ips.entries()], NETWORKS_AT_ONCE, async ([at, ip]) => {
    if (!end) await deal(at, ip);
  });
  if (end) throw toRetry(end);
  if (failures.length === ips.length) throw worstOf(failures, failures.every(isOpen) && !signal.aborted ? work.allOpen?.(ips) : undefined);
  return results;
}

/** Whether a failure ends the try of the whole list: it is our own mistake, or another try may mend it. */
export function endsAll({ code, retryable }: OpsError, last_attempt: boolean): boolean {
  return code === "internal" || (!last_attempt && (retryable || code === "outcome_unknown"));
}

/** What nobody knows the end of is looked up by the next try; the worker tries again what is retryable. */
export function toRetry(error: OpsError): OpsError {
  if (error.code !== "outcome_unknown") return error;
  const { retry_after_ms } = error;
  // Whoever was told to wait waits, and that is no failure.
  const code = retry_after_ms === undefined ? "upstream_unavailable" : "rate_limited";
  return new OpsError(code, error.message, { cause: error, ...(retry_after_ms !== undefined && { retry_after_ms }) });
}

/** Whether something may have been done to an address in spite of this failure. */
export function isOpen({ code }: OpsError): boolean {
  return code === "outcome_unknown" || code === "timeout";
}

/** That nobody knows about one address weighs more than that the others failed: somebody has to look. */
function worstOf(failures: readonly OpsError[], words: Text | undefined): OpsError {
  const worst = failures.find(isOpen) ?? failures[0] ?? new OpsError("internal", "no addresses");
  return new OpsError(worst.code, `all ${failures.length} addresses failed: ${worst.message}`, { text: words ?? worst.text, cause: worst });
}
