import { describe, expect, it } from "vitest";
import type { Connection } from "../../clients/postgres/pool.ts";
import { until } from "../../proof/process.ts";
import { killAt as killHeld, type Point } from "../support/gate.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { startWorld, type World } from "../support/world.ts";

/**
 * Switchboard is held at an exact point by a trigger in its own database, killed there with SIGKILL and started again.
 * What is checked is what an outsider sees: Cloudflare's rules and the person's chat.
 */
const postgres = usePostgres();
const OPERATOR = 1002;
const IP = "203.0.113.7";
const WARM = "203.0.113.1";

describe("killed between Telegram's update and our answer", () => {
  it.each<[string, Point]>([
    ["before the inbox row", { table: "inbox", on: "INSERT" }],
    ["after the inbox row", { table: "runs", on: "INSERT" }],
    ["after the run, which is begun at once", { table: "blocks", on: "INSERT" }],
    ["after Cloudflare's rule", { table: "blocks", on: "UPDATE", when: "NEW.state = 'blocked'" }],
    ["after the rule is confirmed", { table: "runs", on: "UPDATE", when: "NEW.status = 'succeeded'" }],
    // Its claim, and not the answer's coming while the "running" message is under way: that one would be sent again, as the emulator's log explains.
    [
      "after the run's end",
      { table: "deliveries", on: "UPDATE", when: "OLD.status <> 'sending' AND NEW.status = 'sending' AND NEW.version = 2" },
    ],
  ])("%s: one rule, one answer", async (_name, point) => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    await killAt(world, connection, point);
    await world.start();
    await answered(world);
    expect((await world.platforms.rules()).map((rule) => rule.configuration.value)).toEqual([IP]);
    expect(await sentMessages(world)).toBe(1);
  });

  it("after Telegram accepted the answer as a new message: a second copy, which the emulator's log explains", async () => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    await killAt(world, connection, { table: "deliveries", on: "UPDATE", when: "NEW.sent_version = 2" }, async () => {
      await warmUp(world);
      // Else it is the note of this answer that is held.
      await until("its note is made", () => delivered(connection));
    });
    await answered(world);
    await world.start();
    await until("the answer is said again", async () => (await copies(world)) === 2);
    await until("the delivery is done", () => delivered(connection));
    expect(await copies(world)).toBe(2);
    expect((await world.platforms.rules()).map((rule) => rule.configuration.value)).toEqual([WARM, IP]);
  });

  it("after Telegram accepted the answer as an edit of the running message: no second copy", async () => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    // Slow enough for the "running" message to be sent first.
    await world.platforms.fault({ target: "cloudflare", method: "POST /zones", delay_ms: 1_500, times: 1 });
    await killAt(world, connection, {
      table: "deliveries",
      on: "UPDATE",
      when: "NEW.sent_version > OLD.sent_version AND NEW.sent_version = 2",
    });
    await answered(world);
    await world.start();
    await until("the delivery is done", () => delivered(connection));
    expect(await sentMessages(world)).toBe(1);
    expect((await world.platforms.messages(OPERATOR)).length).toBe(1);
  });
});

/** Loads Cloudflare's SDK, so that the next run ends before its "running" message is due. */
async function warmUp(world: World): Promise<void> {
  await world.platforms.say(1001, `/block ${WARM}`);
  await until("the first answer", async () => (await world.platforms.messages(1001)).some(({ text }) => text.includes("is blocked")));
}

async function killAt(world: World, connection: Connection, point: Point, before = async (_world: World) => {}): Promise<void> {
  const running = await world.start();
  await before(world);
  await killHeld(running, connection, point, () => world.platforms.say(OPERATOR, `/block ${IP} --reason "brute force"`));
}

async function answered(world: World): Promise<void> {
  await until("the person reads the answer", async () =>
    (await world.platforms.messages(OPERATOR)).some(({ text }) => text.includes(`${IP} is blocked`)),
  );
}

/** How many messages Telegram accepted; edits of one are not counted. */
async function sentMessages(world: World): Promise<number> {
  return (await world.platforms.calls("telegram", "sendMessage")).filter(({ status }) => status === 200).length;
}

async function copies(world: World): Promise<number> {
  return (await world.platforms.messages(OPERATOR)).filter(({ text }) => text.includes(`${IP} is blocked`)).length;
}

async function delivered(connection: Connection): Promise<boolean> {
  return withClient(connection, async (client) => (await client.query("SELECT 1 FROM deliveries WHERE status <> 'sent'")).rowCount === 0);
}
