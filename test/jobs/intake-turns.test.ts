import { describe, expect, it } from "vitest";
import type { Interpreted } from "../../core/request.ts";
import type { Job } from "../../core/stores.ts";
import { createIntake } from "../../jobs/intake.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, anEvent } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";

const postgres = usePostgres();
const turn = { kind: "page", delivery_id: "d", page: 2, platform: "telegram", address: "1001" } as const;

/** An intake whose events ask for this. */
async function open(asked: readonly Interpreted[]) {
  const here = await openProcess(await postgres.database());
  const jobs: Job[] = [];
  const left = [...asked];
  const log = createMemoryLog();
  const intake = createIntake({
    ...{ inbox: here.inbox, deliveries: here.deliveries, log },
    enqueueDeliveries: async (added) => void jobs.push(...added),
    dispatch: () => Promise.reject(new Error("nothing is asked of the desk")),
    interpreters: () => [{ platform: "telegram", interpret: async () => left.shift() ?? null }],
  });
  await here.deliveries.insert(aDelivery("d"));
  const claim = await here.deliveries.claim("d");
  if (claim) await here.deliveries.sent(claim, "7");
  const receive = async () => {
    await intake.receive(asked.map((_, index) => anEvent(index)));
    await intake.idle();
    expect(await here.rows("SELECT 1 FROM inbox WHERE done_at IS NULL")).toEqual([]);
    expect(log.lines).toEqual([]);
  };
  return { ...here, jobs, receive };
}

describe("a button that turns pages", () => {
  it("queues the message once for a page, though it is pressed twice", async () => {
    const here = await open([turn, turn]);
    await here.receive();
    expect(here.jobs).toMatchObject([{ id: "d", job_id: "d-1", delay_ms: 0 }]);
  });

  it("of an unknown message, or with no page at all, does nothing", async () => {
    const pages = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 1e300];
    const here = await open([
      { ...turn, delivery_id: "x\u0000" },
      { ...turn, delivery_id: "x" },
      ...pages.map((page) => ({ ...turn, page })),
    ]);
    await here.receive();
    expect(here.jobs).toEqual([]);
  });
});

describe("a chat that has moved", () => {
  it("gets its answers at the new address, however often that is told", async () => {
    const move = { kind: "moved", platform: "telegram", from: "1001", to: "-1001" } as const;
    const here = await open([move, move]);
    await here.receive();
    const [job] = await here.deliveries.insert(aDelivery("later"));
    expect(job?.to?.address).toBe("-1001");
  });
});
