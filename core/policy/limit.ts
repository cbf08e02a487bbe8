import type { PersonLimits } from "../config-people.ts";
import { OpsError } from "../errors.ts";
import type { Ephemeral } from "../ports.ts";
import { type Text, text } from "../reply.ts";
import type { Person } from "../request.ts";

/** The key of the text that is said past the limit of lines; the intake says it once a minute. */
export const TOO_MANY_LINES = "policy.too_many_lines";
/** Open runs end at their own pace; this is when it is worth asking again. */
const RETRY_OPEN_RUNS_MS = 2_000;

/** What is counted: whose, and which request. One that is worked on again, because its process died or the database was away, counts once. */
export interface Counted {
  readonly speaker: string;
  readonly request_id: string;
}

/**
 * Counts a line of text against its speaker.
 * @throws OpsError `rate_limited` past so many lines in the time that began with the first
 */
export async function limitLines(
  { speaker, request_id }: Counted,
  ephemeral: Pick<Ephemeral, "count">,
  { limit, window_ms }: PersonLimits["lines"],
): Promise<void> {
  const { count, resets_in_ms } = await ephemeral.count(`lines:${speaker}`, window_ms, request_id);
  if (count <= limit) return;
  const seconds = Math.ceil(resets_in_ms / 1_000);
  throw new OpsError("rate_limited", `${speaker} said ${count} lines at once`, {
    text: text(TOO_MANY_LINES, { limit, seconds }),
    retry_after_ms: resets_in_ms,
  });
}

/**
 * Counts the press of a button that says no line: it turns a page, or decides. As many are let through as lines, in a time of their own, so that
 * whoever leafs through a long answer may still ask for something.
 * @returns what to tell whoever presses more, or null
 */
export async function limitPresses(
  { speaker, request_id }: Counted,
  ephemeral: Pick<Ephemeral, "count">,
  { limit, window_ms }: PersonLimits["lines"],
): Promise<Text | null> {
  const { count, resets_in_ms } = await ephemeral.count(`presses:${speaker}`, window_ms, request_id);
  return count <= limit ? null : text("policy.too_many_presses", { limit, seconds: Math.ceil(resets_in_ms / 1_000) });
}

/** What somebody is told who has as many open runs as may be. (A request that was accepted before is answered as it was, and an open run may be joined.) */
export function tooManyRuns({ person_id }: Pick<Person, "person_id">, limit: number): OpsError {
  return new OpsError("rate_limited", `${person_id} has ${limit} open runs`, {
    text: text("policy.too_many_runs", { limit }),
    retry_after_ms: RETRY_OPEN_RUNS_MS,
  });
}
