import { describe, expect, it, vi } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { Outcome, Request } from "../../core/request.ts";
import type { InboxEvent, InboxStore } from "../../core/stores.ts";
import { createIntake, type IntakeDeps } from "../../jobs/intake.ts";
import { breakable } from "../support/breakable.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { anEvent, saying } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 10 };
const done: Outcome = { kind: "done", output: null, reply: saying("pong") };
const failed = (error: OpsError): Outcome => ({ kind: "failed", error, reply: { tone: "error", title: error.text } });
const UNAVAILABLE = failed(new OpsError("unavailable", "no queue"));

interface Payload {
  readonly lane: string;
  readonly number: number;
  readonly message_id?: string;
}

/** A platform whose events ask for nothing but a ping. */
function toRequest({ request_id, payload }: InboxEvent): Request {
  const { lane, message_id } = payload as Payload;
  const reply_to = { platform: "telegram", address: lane, ...(message_id !== undefined && { message_id }) };
  const person = { person_id: "p1", name: "Ann", role: "viewer", locale: null, zone: null } as const;
  const asked = { ask: { kind: "text", text: "/ping" }, conversation: null, locale: "en", zone: "UTC" } as const;
  return { request_id, identity: "telegram:1", person, reply_to, ...asked };
}

/** An intake of a process that dies when the test says so; `dispatch` is what becomes of each event's number. */
async function open(dispatch: (number: number) => Promise<Outcome> | Outcome, { database = postgres.database(), ...more }: Changes = {}) {
  const here = await openProcess(await database);
  const log = createMemoryLog();
  const asked: number[] = [];
  const deps: IntakeDeps = {
    inbox: here.inbox,
    deliveries: here.deliveries,
    enqueueDeliveries: async () => undefined,
    dispatch: async ({ request_id }) => {
      const number = Number(request_id.split("-").at(-1));
      asked.push(number);
      return dispatch(number);
    },
    interpreters: () => [{ platform: "telegram", interpret: more.interpret ?? (async (event) => toRequest(event)) }],
    log,
  };
  const intake = createIntake({ ...deps, inbox: more.between?.(here.inbox) ?? here.inbox });
  const answers = () => here.rows("SELECT address, message_id, reply FROM deliveries ORDER BY created_at");
  const open = async () => (await here.rows("SELECT 1 FROM inbox WHERE done_at IS NULL")).length;
  const dueNow = () => here.rows("UPDATE inbox SET due_at = now() - interval '1 second'");
  return { ...here, intake, asked, log, answers, open, dueNow };
}

interface Changes {
  readonly database?: ReturnType<typeof postgres.database>;
  readonly interpret?: (event: InboxEvent) => Promise<Request | null>;
  readonly between?: (inbox: InboxStore) => InboxStore;
}

/** A promise that the test keeps. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("what comes in", () => {
  it("is stored when it is acknowledged, and worked on afterwards", async () => {
    const { opened, open: finish } = gate();
    const here = await open(async () => {
      await opened;
      return done;
    });
    await here.intake.receive([anEvent(1)]);
    expect(await here.rows("SELECT request_id, done_at FROM inbox")).toEqual([{ request_id: "telegram-1-1", done_at: null }]);
    finish();
    await here.intake.idle();
    expect(await here.open()).toBe(0);
    expect(await here.answers()).toEqual([{ address: "1001", message_id: null, reply: saying("pong") }]);
  });

  it("is not acknowledged when it cannot be stored", async () => {
    const here = await open(() => done, { between: (inbox) => ({ ...inbox, receive: () => Promise.reject(new Error("disk full")) }) });
    await expect(here.intake.receive([anEvent(1)])).rejects.toThrow("disk full");
    expect(here.asked).toEqual([]);
  });

  it("is worked on though the database's answer was lost when it was stored", async () => {
    const between = (inbox: InboxStore) => {
      const broken = breakable(inbox);
      broken.breaks("receive", { times: 1, after: true });
      return broken;
    };
    const here = await open(() => done, { between });
    await expect(here.intake.receive([anEvent(1)])).rejects.toMatchObject({ code: "unavailable" });
    await here.intake.receive([anEvent(1)]);
    await here.intake.takeOver();
    await here.dueNow();
    await here.intake.takeOver();
    await here.intake.idle();
    expect([here.asked, await here.open()]).toEqual([[1], 0]);
  });

  it("again is the same request", async () => {
    const here = await open(() => done);
    for (let time = 0; time < 3; time++) await here.intake.receive([anEvent(1), anEvent(1)]);
    await here.intake.idle();
    expect(here.asked).toEqual([1]);
    expect(await here.answers()).toHaveLength(1);
  });

  it("keeps its order within a chat, while other chats go on", async () => {
    const { opened, open: finish } = gate();
    const here = await open(async (number) => {
      if (number === 1) await opened;
      return done;
    });
    await here.intake.receive([anEvent(1, "1"), anEvent(2, "1"), anEvent(3, "2"), anEvent(4, "1"), anEvent(5, "2")]);
    await vi.waitFor(() => expect(here.asked).toEqual([1, 3, 5]), WAIT);
    finish();
    await here.intake.idle();
    expect(here.asked).toEqual([1, 3, 5, 2, 4]);
  });

  it("may hold NUL, and asks for nothing where it asks for nothing", async () => {
    const here = await open(() => done, { interpret: async () => null });
    await here.intake.receive([anEvent(1, "1001", { words: "a\u0000b \ud800" })]);
    await here.intake.idle();
    expect([here.asked, await here.open(), await here.answers()]).toEqual([[], 0, []]);
  });
});

describe("an answer", () => {
  it("takes the question's place, a refusal does not", async () => {
    const outcomes = [done, failed(new OpsError("forbidden", "no", { text: text("no") }))];
    const here = await open((number) => outcomes[number] ?? done);
    await here.intake.receive([anEvent(0, "1", { message_id: "7" }), anEvent(1, "1", { message_id: "7" })]);
    await here.intake.idle();
    expect(await here.answers()).toMatchObject([
      { address: "1", message_id: "7", reply: saying("pong") },
      { address: "1", message_id: null, reply: { tone: "error" } },
    ]);
  });

  it("of a queued run is the run's own", async () => {
    const here = await open(() => ({ kind: "queued", run_id: "r1", reply: saying("running") }));
    await here.intake.receive([anEvent(1)]);
    await here.intake.idle();
    expect([await here.open(), await here.answers()]).toEqual([0, []]);
  });
});

describe("what cannot be worked on now", () => {
  it("is given back and tried again", async () => {
    const outcomes = [UNAVAILABLE, done];
    const here = await open(() => outcomes.shift() ?? done);
    await here.intake.receive([anEvent(1)]);
    await here.intake.idle();
    expect([await here.open(), await here.answers()]).toEqual([1, []]);
    await here.intake.takeOver();
    expect(here.asked).toEqual([1]);
    await here.dueNow();
    await here.intake.takeOver();
    await here.intake.idle();
    expect([here.asked, await here.open()]).toEqual([[1, 1], 0]);
    expect(await here.answers()).toMatchObject([{ reply: saying("pong") }]);
  });

  it("is told after twenty tries", async () => {
    const here = await open(() => UNAVAILABLE);
    await here.intake.receive([anEvent(1)]);
    await untilDone(here);
    expect(here.asked).toHaveLength(20);
    expect(await here.answers()).toMatchObject([{ reply: { tone: "error", title: { key: "errors.unavailable" } } }]);
  });

  it("because it makes us fail is given up after twenty tries, and that is logged", async () => {
    const here = await open(() => done, { interpret: () => Promise.reject(new TypeError("a bug \u0000")) });
    await here.intake.receive([anEvent(1)]);
    await untilDone(here);
    expect(await here.rows("SELECT attempts FROM inbox")).toEqual([{ attempts: 20 }]);
    expect(here.log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    expect(await here.answers()).toEqual([]);
  });

  it("because a platform or the database is away is never given up", async () => {
    const here = await open(() => done, { interpret: () => Promise.reject(new OpsError("upstream_unavailable", "no answer")) });
    await here.intake.receive([anEvent(1)]);
    for (let time = 0; time < 25; time++) {
      await here.dueNow();
      await here.intake.takeOver();
      await here.intake.idle();
    }
    expect(await here.rows("SELECT attempts > 20 AS tried, done_at FROM inbox")).toEqual([{ tried: true, done_at: null }]);
  });

  it("and cannot even be given back is given back later", async () => {
    let left = 2;
    const between = (inbox: InboxStore): InboxStore => ({
      ...inbox,
      giveBack: async (...args) => {
        if (left-- > 0) throw new OpsError("unavailable", "the database is away");
        return inbox.giveBack(...args);
      },
    });
    const outcomes = [UNAVAILABLE, done];
    const here = await open(() => outcomes.shift() ?? done, { between });
    await here.intake.receive([anEvent(1)]);
    await here.intake.idle();
    await expect(here.intake.takeOver()).rejects.toMatchObject({ code: "unavailable" });
    await here.intake.takeOver();
    await here.intake.idle();
    expect([here.asked, await here.open()]).toEqual([[1, 1], 0]);
  });
});

describe("the events of a process that died", () => {
  it("are worked on by another, in the order of each chat", async () => {
    const database = postgres.database();
    const never = new Promise<Outcome>(() => undefined);
    const [dead, here] = [await open(() => never, { database }), await open(() => done, { database })];
    await dead.intake.receive([8, 9, 10, 11].map((number) => anEvent(number)));
    await here.intake.takeOver();
    expect(here.asked).toEqual([]);
    await dead.die();
    await here.intake.takeOver();
    await here.intake.idle();
    expect(here.asked).toEqual([8, 9, 10, 11]);
    expect(await here.answers()).toHaveLength(4);
  });
});

/** Lets the sweeper's rounds pass until nothing is open. */
async function untilDone(here: Awaited<ReturnType<typeof open>>): Promise<void> {
  await here.intake.idle();
  for (let round = 0; round < 50 && (await here.open()) > 0; round++) {
    await here.dueNow();
    await here.intake.takeOver();
    await here.intake.idle();
  }
  expect(await here.open()).toBe(0);
}
