import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import { startPolling } from "../../../bots/telegram/polling.ts";
import { OpsError } from "../../../core/errors.ts";
import type { InboxEvent } from "../../../core/stores.ts";
import { createSandbox } from "../../../sandbox/server.ts";
import { useSandbox, type World } from "../../sandbox/fixture.ts";
import { createMemoryLog } from "../../support/memory-log.ts";

const start = useSandbox();
const WAIT = { timeout: 20_000, interval: 10 };
const SECRET = /SANDBOX|wrong-half/;

/** A lease that the test takes away and gives back. */
function createLease() {
  const state = { free: true, taken: 0, released: 0 };
  const lease = async () => {
    if (!state.free) return null;
    state.taken += 1;
    const release = async () => {
      state.released += 1;
    };
    return { held: () => state.free, release };
  };
  return { state, leases: { lease } };
}

/** A poller of the sandbox's Telegram, which must not say its token anywhere. */
function poll({ sandbox }: Pick<World, "sandbox">, changes: Partial<Parameters<typeof startPolling>[0]> = {}) {
  const token = changes.token ?? sandbox.telegram.token;
  const log = createMemoryLog();
  const batches: string[][] = [];
  const ready: unknown[] = [];
  const { state: lease, leases } = createLease();
  const receive = async (events: readonly InboxEvent[]) => void batches.push(events.map(textOf));
  const polling = startPolling({
    ...{ api: createTelegramApi({ ...sandbox.telegram, token }), token, intake: { receive }, leases, log },
    onReady: (me) => void ready.push(me),
    ...changes,
  });
  onTestFinished(async () => {
    await polling.stop();
    expect(JSON.stringify([log.lines, polling.state()])).not.toMatch(SECRET);
  });
  return { polling, log, batches, ready, lease, texts: () => batches.flat() };
}

function textOf({ payload }: InboxEvent): string {
  const { update } = payload as { update: { message?: { text?: string } } };
  return update.message?.text ?? "?";
}

const fault = (world: World, what: object) => world.person("POST", "/faults", { target: "telegram", method: "getUpdates", ...what });
const levels = ({ log }: ReturnType<typeof poll>) => log.lines.map(({ level }) => level);

describe("polling", () => {
  it("says who the bot is, then hands over what people say, in order", async () => {
    const world = await start();
    await world.says("one");
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
    expect(poller.ready).toEqual([{ id: 123456, username: "switchboard_sandbox_bot" }]);
    for (const text of ["two", "three"]) await world.says(text);
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one", "two", "three"]), WAIT);
    expect(poller.polling.state()).toEqual({ part: "telegram", state: "ok" });
    expect(poller.log.lines).toEqual([]);
  });

  it("takes away a webhook that stands in its way", async () => {
    const world = await start();
    await world.bot("setWebhook", { url: "http://127.0.0.1:9/hook" });
    await world.says("waiting");
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.texts()).toEqual(["waiting"]), WAIT);
  });

  it("fetches the same again until it is stored", async () => {
    const world = await start();
    const stored: string[][] = [];
    let tries = 0;
    const receive = async (events: readonly InboxEvent[]) => {
      tries += 1;
      if (tries <= 2) throw new OpsError("unavailable", "the database cannot be reached");
      stored.push(events.map(({ request_id }) => request_id));
    };
    const ids = [await world.says("one"), await world.says("two")];
    const poller = poll(world, { intake: { receive } });
    await vi.waitFor(() => expect(stored).toEqual([ids.map((id) => `telegram-123456-${id}`)]), WAIT);
    expect(tries).toBe(3);
    await vi.waitFor(() => expect(levels(poller)).toEqual(["warn", "info"]), WAIT);
    expect(poller.log.lines[0]?.message).toMatch(/stored/);
  });

  it("ends at once when it is stopped, though Telegram holds its answer back", async () => {
    const world = await start();
    await world.says("one");
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
    await poller.polling.stop();
    expect(poller.lease).toMatchObject({ taken: 1, released: 1 });
    await world.says("two");
    expect(poller.texts()).toEqual(["one"]);
    // Telegram would hold it back for 25 s.
  }, 15_000);
});

describe("without a database", () => {
  it("nobody can say who polls: that is said, and it goes on when it is back", async () => {
    const world = await start();
    await world.says("one");
    const db = { away: true };
    const { leases } = createLease();
    const lease = async () => {
      if (db.away) throw new OpsError("unavailable", "the database session is down");
      return leases.lease();
    };
    const poller = poll(world, { leases: { lease } });
    const waiting = { part: "telegram", state: "degraded", note: "waiting for the database" };
    await vi.waitFor(() => expect(poller.polling.state()).toEqual(waiting), WAIT);
    expect(poller.texts()).toEqual([]);
    db.away = false;
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
  });
});

describe("one process at a time", () => {
  it("waits for the lease without leaving anything behind at each try", async () => {
    const tries = { count: 0 };
    const added = vi.spyOn(AbortSignal.prototype, "addEventListener");
    const removed = vi.spyOn(AbortSignal.prototype, "removeEventListener");
    onTestFinished(() => void vi.restoreAllMocks());
    const lease = async () => {
      tries.count += 1;
      return null;
    };
    poll(await start(), { leases: { lease } });
    await vi.waitFor(() => expect(tries.count).toBe(4), WAIT);
    // Of each pause that is over, its listener; the last one waits.
    expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it("polls: without the lease nothing is fetched", async () => {
    const world = await start();
    await world.says("one");
    const poller = poll(world, { leases: { lease: async () => null } });
    await vi.waitFor(() => expect(poller.polling.state().note).toBe("another process polls"), WAIT);
    expect([poller.ready, poller.texts(), poller.log.lines]).toEqual([[], [], []]);
  });

  it("stops when its lease is lost, and goes on when it has it again", async () => {
    const world = await start();
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.ready).toHaveLength(1), WAIT);
    poller.lease.free = false;
    await world.says("one");
    await vi.waitFor(() => expect(poller.polling.state().note).toBe("another process polls"), WAIT);
    const before = poller.texts();
    await world.says("two");
    expect(poller.texts()).toEqual(before);
    poller.lease.free = true;
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one", "two"]), WAIT);
    expect(poller.lease).toMatchObject({ taken: 2, released: 1 });
  });

  it("waits while another program fetches, and goes on when that has ended", async () => {
    const world = await start();
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.ready).toHaveLength(1), WAIT);
    // Ours may be between two fetches: then the other is the one that is sent away.
    await vi.waitFor(async () => {
      void world.bot("getUpdates", { timeout: 50 }).catch(() => undefined);
      expect(poller.polling.state().state).toBe("degraded");
    }, WAIT);
    expect(poller.log.lines).toMatchObject([{ level: "warn", fields: { code: 409 } }]);
    await vi.waitFor(() => expect(poller.polling.state().state).toBe("ok"), WAIT);
    await world.says("one");
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
  });
});

describe("when Telegram refuses", () => {
  it.each(["123456:wrong-half", "not a token: wrong-half"])("the token, that is said once: %s", async (token) => {
    const poller = poll(await start(), { token });
    await vi.waitFor(() => expect(poller.polling.state().state).toBe("down"), WAIT);
    expect(poller.polling.state().note).toBe("TELEGRAM_BOT_TOKEN is refused");
    expect(levels(poller)).toEqual(["warn"]);
    await poller.polling.stop();
  });

  it("to go so fast, it waits as long as it is told", async () => {
    const world = await start();
    await fault(world, { status: 429, retry_after: 1, times: 1 });
    await world.says("one");
    const began = Date.now();
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
    expect(levels(poller)).toEqual(["warn", "info"]);
  });

  it("or fails again and again, that is said once when it begins and once when it is over", async () => {
    const world = await start();
    await fault(world, { status: 502, times: 2 });
    await fault(world, { drop: true, times: 1 });
    await world.says("one");
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.texts()).toContain("one"), WAIT);
    expect(levels(poller)).toEqual(["warn", "info"]);
  });

  it("because it is away, it goes on when Telegram is back", async () => {
    const world = await start();
    const poller = poll(world);
    await vi.waitFor(() => expect(poller.ready).toHaveLength(1), WAIT);
    await world.sandbox.close();
    await vi.waitFor(() => expect(poller.polling.state().state).toBe("degraded"), WAIT);
    const port = Number(new URL(world.sandbox.url).port);
    const sandbox = await createSandbox({ data_dir: world.data_dir, port });
    onTestFinished(() => sandbox.close());
    await world.says("one");
    await vi.waitFor(() => expect(poller.texts()).toEqual(["one"]), WAIT);
    expect(levels(poller)).toEqual(["warn", "info"]);
    expect(poller.polling.state().state).toBe("ok");
  });
});
