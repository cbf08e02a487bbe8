import { describe, expect, it } from "vitest";
import { createIdempotencyStore } from "../../../clients/postgres/idempotency.ts";
import { createTestClock } from "../../support/clock.ts";
import { createMemoryIdempotency } from "../../support/memory-idempotency.ts";
import { usePostgres } from "../../support/postgres.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const SLOT = { owner: "key:ci", route: "POST /api/v1/commands/x", key: "k1" };
const ANSWER = { status: 202, content_type: "application/json", body: '{"nul":"\\u0000","한":"글"}' };
const asked = (request_id: string, body_hash = "h1") => ({ request_id, body_hash });
const DAY_MS = 86_400_000;

/** The store, and a way to let a time pass. */
const STORES = {
  async postgres() {
    const here = await openProcess(await postgres.database());
    const passes = (ms: number) => here.rows("UPDATE idempotency SET created_at = created_at - $1::float8 * interval '1 ms'", ms);
    return { store: createIdempotencyStore(here.pool), passes };
  },
  async memory() {
    const clock = createTestClock();
    return { store: createMemoryIdempotency(clock), passes: async (ms: number) => clock.passes(ms) };
  },
};

describe.each(Object.entries(STORES))("answers by key in %s", (_, open) => {
  it("the first request stays the one, until it is answered and after it", async () => {
    const { store } = await open();
    expect(await store.begin(SLOT, asked("q1"))).toEqual({ ...asked("q1"), answer: null });
    expect(await store.begin(SLOT, asked("q2", "h2"))).toEqual({ ...asked("q1"), answer: null });
    expect(await store.keep("q1", ANSWER)).toEqual(ANSWER);
    expect(await store.begin(SLOT, asked("q3"))).toEqual({ ...asked("q1"), answer: ANSWER });
  });

  it("the first answer stays the one", async () => {
    const { store } = await open();
    await store.begin(SLOT, asked("q1"));
    const answers = [200, 201, 202].map((status) => ({ ...ANSWER, status }));
    const kept = await Promise.all(answers.map((answer) => store.keep("q1", answer)));
    expect(new Set(kept.map(({ status }) => status)).size).toBe(1);
    expect((await store.begin(SLOT, asked("q9"))).answer).toEqual(kept[0]);
  });

  it("owner, route and key each make another", async () => {
    const { store } = await open();
    await store.begin(SLOT, asked("q1"));
    for (const [at, other] of [{ owner: "local" }, { route: "POST /x" }, { key: "k2" }].entries())
      expect((await store.begin({ ...SLOT, ...other }, asked(`other-${at}`))).request_id).toBe(`other-${at}`);
  });

  it("of many at once one is the first", async () => {
    const { store } = await open();
    const all = await Promise.all(Array.from({ length: 20 }, (_each, at) => store.begin(SLOT, asked(`q${at}`))));
    expect(new Set(all.map(({ request_id }) => request_id)).size).toBe(1);
  });

  it("after a day it is as good as new", async () => {
    const { store, passes } = await open();
    await store.begin(SLOT, asked("q1"));
    await store.keep("q1", ANSWER);
    await passes(DAY_MS - 60_000);
    expect((await store.begin(SLOT, asked("q2", "h2"))).answer).toEqual(ANSWER);
    await passes(61_000);
    expect(await store.begin(SLOT, asked("q3", "h3"))).toEqual({ ...asked("q3", "h3"), answer: null });
  });

  it("an answer to a request that is gone is given all the same", async () => {
    expect(await (await open()).store.keep("nobody", ANSWER)).toEqual(ANSWER);
  });
});
