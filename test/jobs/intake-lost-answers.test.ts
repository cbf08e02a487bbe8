import { describe, expect, it, vi } from "vitest";
import type { InboxStore } from "../../core/stores.ts";
import { createIntake } from "../../jobs/intake.ts";
import { type Breakable, breakable } from "../support/breakable.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { anEvent, saying } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 10 };
const BATCH = 100;

/** An intake of a process, whose inbox can be broken; `asked` are the numbers of the events that were worked on, by all processes of the list. */
async function open(database: Awaited<ReturnType<typeof postgres.database>>, asked: string[]) {
  const here = await openProcess(database);
  const inbox: Breakable<InboxStore> = breakable(here.inbox);
  const person = { person_id: "p1", name: "Ann", role: "viewer", locale: null, zone: null } as const;
  const more = { reply_to: null, ask: { kind: "text", text: "/ping" }, conversation: null, locale: "en", zone: "UTC" } as const;
  const intake = createIntake({
    ...{ inbox, deliveries: here.deliveries, log: createMemoryLog() },
    enqueueDeliveries: async () => undefined,
    dispatch: async ({ request_id }) => {
      asked.push(request_id);
      return { kind: "done", output: null, reply: saying("pong") };
    },
    interpreters: () => [
      { platform: "telegram", interpret: async ({ request_id }) => ({ request_id, identity: "telegram:1", person, ...more }) },
    ],
  });
  const undone = async () => (await here.rows("SELECT 1 FROM inbox WHERE done_at IS NULL")).length;
  return { ...here, inbox, intake, undone };
}

/** Two processes on one database, which Telegram calls in turn. */
async function openTwo() {
  const database = await postgres.database();
  const asked: string[] = [];
  return { one: await open(database, asked), other: await open(database, asked), asked };
}

const ids = (...numbers: number[]) => numbers.map((number) => anEvent(number).request_id);
const UNAVAILABLE = { code: "unavailable" };

describe("events whose storing was not answered", () => {
  it("are worked on by the process that stored them, when another is called again and finds them there", async () => {
    const { one, other, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 1, after: true });
    await expect(one.intake.receive([anEvent(1), anEvent(2)])).rejects.toMatchObject(UNAVAILABLE);
    await other.intake.receive([anEvent(1), anEvent(2)]);
    await other.intake.takeOver();
    expect(asked).toEqual([]);
    await one.intake.takeOver();
    await one.intake.idle();
    expect([asked, await one.undone()]).toEqual([ids(1, 2), 0]);
  });

  it("are found however late they came to be stored", async () => {
    const { one, other, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 1 });
    await expect(one.intake.receive([anEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    await one.intake.takeOver();
    // What was sent to the database before the connection broke, is carried out now.
    await one.inbox.receive([anEvent(1)]);
    await other.intake.receive([anEvent(1)]);
    for (const { intake } of [one, other, one]) await intake.takeOver().then(() => intake.idle());
    expect([asked, await one.undone()]).toEqual([ids(1), 0]);
  });

  it("are asked for again until the database is there, and once", async () => {
    const { one, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 3, after: true });
    await expect(one.intake.receive([anEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    await expect(one.intake.takeOver()).rejects.toMatchObject(UNAVAILABLE);
    await expect(one.intake.takeOver()).rejects.toMatchObject(UNAVAILABLE);
    for (let round = 0; round < 3; round++) await one.intake.takeOver().then(() => one.intake.idle());
    expect([asked, one.inbox.calls("receive")]).toEqual([ids(1), 4]);
  });

  it("are not taken up again where they came again and are in hand, or done", async () => {
    const { one, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 1, after: true });
    await expect(one.intake.receive([anEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    await one.intake.receive([anEvent(1)]);
    await one.intake.takeOver();
    await one.intake.idle();
    await one.intake.takeOver();
    await one.intake.idle();
    expect([asked, await one.undone()]).toEqual([ids(1), 0]);
  });

  it("that were done by another are left", async () => {
    const { one, other, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 1 });
    await expect(one.intake.receive([anEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    await other.intake.receive([anEvent(1)]);
    await one.intake.takeOver();
    await Promise.all([one, other].map(({ intake }) => intake.idle()));
    expect([asked, await one.undone()]).toEqual([ids(1), 0]);
  });

  it("and that the database then refuses do not keep the sweeper from its other work, and are given back where they are there", async () => {
    const { one, asked } = await openTwo();
    one.inbox.breaks("receive", { times: 1, after: true });
    await expect(one.intake.receive([anEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    one.inbox.breaks("receive", { error: new Error("disk full") });
    await expect(one.intake.receive([anEvent(2)])).rejects.toThrow("disk full");
    await one.intake.takeOver();
    await one.intake.idle();
    const refused = one.inbox.calls("receive");
    await one.intake.takeOver();
    expect([asked, await one.undone(), one.inbox.calls("receive") - refused]).toEqual([ids(1), 0, 0]);
  });

  it("are remembered up to a thousand", async () => {
    const { one, asked } = await openTwo();
    one.inbox.breaks("receive");
    for (let batch = 0; batch < 12; batch++) {
      const events = Array.from({ length: BATCH }, (_, at) => anEvent(batch * BATCH + at, String(at)));
      await expect(one.intake.receive(events)).rejects.toMatchObject(UNAVAILABLE);
    }
    one.inbox.mends();
    for (let round = 0; round < 20; round++) await one.intake.takeOver().then(() => one.intake.idle());
    expect(asked).toHaveLength(1_000);
  });
});

describe("an event that is worked on", () => {
  it("lets the next of its chat begin before it is noted as done, and is not taken up again meanwhile", async () => {
    const { one, asked } = await openTwo();
    const noted: (() => void)[] = [];
    const { done } = one.inbox;
    one.inbox.done = async (request_id) => {
      await new Promise<void>((resolve) => noted.push(resolve));
      return done(request_id);
    };
    await one.intake.receive([anEvent(1), anEvent(2), anEvent(3)]);
    await vi.waitFor(() => expect(asked).toEqual(ids(1, 2, 3)), WAIT);
    let idle = false;
    const all = one.intake.idle().then(() => {
      idle = true;
    });
    await one.intake.receive([anEvent(1), anEvent(2), anEvent(3)]);
    await one.intake.takeOver();
    expect([asked, idle, await one.undone()]).toEqual([ids(1, 2, 3), false, 3]);
    for (const note of noted) note();
    await all;
    expect([asked, await one.undone()]).toEqual([ids(1, 2, 3), 0]);
  });

  it("and cannot be noted as done is given back, and the next of its chat goes on", async () => {
    const { one, asked } = await openTwo();
    one.inbox.breaks("done", { times: 1 });
    await one.intake.receive([anEvent(1), anEvent(2)]);
    await one.intake.idle();
    await one.rows("UPDATE inbox SET due_at = now() - interval '1 second'");
    await one.intake.takeOver();
    await one.intake.idle();
    expect([asked, await one.undone()]).toEqual([ids(1, 2, 1), 0]);
  });
});
