import type { QueryResultRow } from "pg";
import type { NewDelivery, NewRun, RunEnd } from "../../core/run.ts";
import type { InboxEvent, RunClaim } from "../../core/stores.ts";

/** A run somebody asked for; what matters to a test is given. */
export function aRun(run_id: string, more: Partial<NewRun> = {}): NewRun {
  const asked = { request_id: `request-${run_id}`, command: "ping", input: {}, person_id: "p1", identity: "telegram:1001" };
  return { run_id, ...asked, locale: "en", zone: "UTC", ...more };
}

/** Something to be said to a chat at once; what matters to a test is given. */
export function aDelivery(delivery_id: string, more: Partial<NewDelivery> = {}): NewDelivery {
  const said = { reply_to: { platform: "telegram", address: "1001" }, reply: saying(delivery_id) };
  const turn = { lane: "interactive", caused_by: "p1" } as const;
  return {
    delivery_id,
    request_id: `request-${delivery_id}`,
    run_id: null,
    ...said,
    locale: "en",
    zone: "UTC",
    ...turn,
    delay_ms: 0,
    ...more,
  };
}

/** An answer of these words. */
export function saying(words: string): NewDelivery["reply"] {
  return { tone: "ok", title: { raw: words } };
}

/** An end that went well; what matters to a test is given. */
export function anEnd(more: Partial<RunEnd> = {}): RunEnd {
  return { status: "succeeded", output: { n: 1 }, error: null, reply: saying("the answer"), ...more };
}

/** An event of a chat, as the adapters store it. */
export function anEvent(number: number, lane = "1001", more: Readonly<Record<string, unknown>> = {}): InboxEvent {
  return { request_id: `telegram-1-${number}`, platform: "telegram", payload: { lane, number, ...more } };
}

/** The claim that stands on a run, as its holder has it. */
export async function claimOf({ rows }: { rows<R extends QueryResultRow>(sql: string): Promise<R[]> }, run_id: string): Promise<RunClaim> {
  const found = await rows<RunClaim>(
    `SELECT run_id, coalesce(claimed_by, 0) AS claimed_by, generation FROM runs WHERE run_id = '${run_id}'`,
  );
  return found[0] ?? { run_id, claimed_by: 0, generation: 0 };
}
