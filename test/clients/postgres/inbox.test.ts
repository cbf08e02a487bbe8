import { describe, expect, it } from "vitest";
import type { InboxEvent } from "../../../core/stores.ts";
import { usePostgres } from "../../support/postgres.ts";
import { anEvent } from "../../support/rows.ts";
import { openGhost, openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const idsOf = (events: readonly InboxEvent[]) => events.map(({ request_id }) => request_id);
const SOON = 60_000;
/** Times are stored in whole milliseconds, which may be a little later than now. */
const AT_ONCE = -1_000;

describe("what comes in", () => {
  it("is stored once, however often it comes, and told as ours until it is done", async () => {
    const here = await openProcess(await postgres.database());
    expect(await here.inbox.receive([anEvent(1), anEvent(2), anEvent(1)])).toEqual([anEvent(1), anEvent(2)]);
    // The answer to the first storing may have been lost on the way.
    expect(await here.inbox.receive([anEvent(2), anEvent(3)])).toEqual([anEvent(2), anEvent(3)]);
    expect(await here.inbox.receive([])).toEqual([]);
    await here.inbox.done("telegram-1-1");
    expect(await here.inbox.receive([anEvent(1)])).toEqual([]);
    expect(await here.rows("SELECT 1 FROM inbox")).toHaveLength(3);
  });

  it("is told as news to one of many who receive it at once", async () => {
    const database = await postgres.database();
    const processes = await Promise.all([1, 2, 3].map(() => openProcess(database)));
    const events = Array.from({ length: 100 }, (_, number) => anEvent(number));
    const fresh = await Promise.all(processes.map(({ inbox }) => inbox.receive(events)));
    expect(idsOf(fresh.flat()).sort()).toEqual(idsOf(events).sort());
  });

  it("keeps every character a platform may send", async () => {
    const database = await postgres.database();
    const here = await openProcess(database);
    const words = 'a\u0000b \ud800 \udc00 \uffff "quoted" back\\slash {1,2} NULL 😀\u2028';
    await here.inbox.receive([anEvent(1, "1001", { words, nested: [{ words }] })]);
    await here.die();
    const [event] = await (await openProcess(database)).inbox.takeOver(["telegram"], 10);
    expect(event?.payload).toEqual({ lane: "1001", number: 1, words, nested: [{ words }] });
  });
});

describe("an event that nobody works on", () => {
  it("is found as soon as the process that had it is dead, in the order it came in", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    await here.inbox.receive([9, 10, 11, 100].map((number) => anEvent(number)));
    await here.inbox.receive([anEvent(8)]);
    await here.inbox.done("telegram-1-11");
    expect(await there.inbox.takeOver(["telegram"], 10)).toEqual([]);
    await here.die();
    expect(await there.inbox.takeOver(["webex"], 10)).toEqual([]);
    expect(idsOf(await there.inbox.takeOver(["webex", "telegram"], 3))).toEqual(["telegram-1-9", "telegram-1-10", "telegram-1-100"]);
    expect(idsOf(await there.inbox.takeOver(["telegram"], 3))).toEqual(["telegram-1-8"]);
  });

  it("goes to one of many who ask", async () => {
    const database = await postgres.database();
    const here = await openProcess(database);
    await here.inbox.receive(Array.from({ length: 50 }, (_, number) => anEvent(number)));
    await here.die();
    const others = await Promise.all([1, 2, 3].map(() => openProcess(database)));
    const taken = await Promise.all(others.flatMap(({ inbox }) => [inbox.takeOver(["telegram"], 100), inbox.takeOver(["telegram"], 100)]));
    expect(new Set(idsOf(taken.flat())).size).toBe(50);
    expect(taken.flat()).toHaveLength(50);
  });

  it("is given back for later, and its tries are counted", async () => {
    const here = await openProcess(await postgres.database());
    await here.inbox.receive([anEvent(1), anEvent(2)]);
    expect(await here.inbox.giveBack("telegram-1-1", SOON, "not today")).toBe(1);
    expect(await here.inbox.giveBack("telegram-1-2", AT_ONCE, "what was said: \u0000")).toBe(1);
    expect(idsOf(await here.inbox.takeOver(["telegram"], 10))).toEqual(["telegram-1-2"]);
    expect(await here.inbox.giveBack("telegram-1-2", SOON, "again")).toBe(2);
    expect(await here.inbox.takeOver(["telegram"], 10)).toEqual([]);
    expect(await here.inbox.giveBack("telegram-1-404", 0, "who?")).toBe(0);
  });

  it("is not given back by a process that lost it", async () => {
    const database = await postgres.database();
    const [ghost, there, third] = [openGhost(database), await openProcess(database), await openProcess(database)];
    await ghost.inbox.receive([anEvent(1)]);
    expect(await there.inbox.takeOver(["telegram"], 10)).toHaveLength(1);
    expect(await ghost.inbox.giveBack("telegram-1-1", 0, "late")).toBe(0);
    expect(await third.inbox.takeOver(["telegram"], 10)).toEqual([]);
    await there.inbox.done("telegram-1-1");
    expect(await third.inbox.takeOver(["telegram"], 10)).toEqual([]);
  });
});
