import { afterEach, describe, expect, it, vi } from "vitest";
import type { Connection } from "../../../clients/postgres/pool.ts";
import { ALIVE_SESSIONS, openSession, type Session } from "../../../clients/postgres/session.ts";
import type { Logger } from "../../../core/ports.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

const postgres = usePostgres();
const log: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const open: Session[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});

async function start(database: Connection, on_lost: () => void = () => undefined): Promise<Session> {
  const session = await openSession(database, { log, on_lost });
  open.push(session);
  return session;
}

async function alive(database: Connection): Promise<number[]> {
  const { rows } = await withClient(database, (client) => client.query<{ objid: number }>(ALIVE_SESSIONS));
  return rows.map((row) => row.objid);
}

/** Breaks every session's connection, as a restart of the server does. */
function breakAll(database: Connection) {
  return withClient(database, (client) =>
    client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'switchboard session' AND datname = current_database()",
    ),
  );
}

describe("a session", () => {
  it("has a number of its own that lives while it is open", async () => {
    const database = await postgres.database();
    const [one, two] = [await start(database), await start(database)];
    expect((await alive(database)).sort()).toEqual([one.id(), two.id()].sort());
    await one.close();
    await vi.waitFor(async () => expect(await alive(database)).toEqual([two.id()]));
  });

  it("does not see the sessions of another database", async () => {
    const [mine, other] = [await postgres.database(), await postgres.database()];
    await start(other);
    expect(await alive(mine)).toEqual([]);
  });

  it("loses its claims with its connection, says so, and comes back with a new number", async () => {
    const database = await postgres.database();
    const onLost = vi.fn();
    const session = await start(database, onLost);
    const before = session.id();
    await breakAll(database);
    await vi.waitFor(() => expect(onLost).toHaveBeenCalledTimes(1));
    await vi.waitFor(() => expect(session.id()).not.toBe(before), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await alive(database)).toEqual([session.id()]));
  });

  it("skips a number that is in use, when the sequence has come round", async () => {
    const database = await postgres.database();
    const first = await start(database);
    await withClient(database, (client) => client.query(`SELECT setval('sessions', ${first.id()}, false)`));
    const second = await start(database);
    expect(second.id()).toBe(first.id() + 1);
  });

  it("is refused as unavailable where there is no server", async () => {
    const nowhere = { host: "/nonexistent", port: 5432, user: "postgres", database: "postgres" };
    await expect(start(nowhere)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a lease", () => {
  it("is held by one, and free again when that one lets go", async () => {
    const database = await postgres.database();
    const [one, two] = [await start(database), await start(database)];
    const lease = await one.lease("scheduler");
    expect(lease?.held()).toBe(true);
    expect(await two.lease("scheduler")).toBeNull();
    expect(await one.lease("scheduler")).toBeNull();
    expect((await two.lease("telegram"))?.held()).toBe(true);
    await lease?.release();
    expect(lease?.held()).toBe(false);
    expect((await two.lease("scheduler"))?.held()).toBe(true);
  });

  it("is given to exactly one of many who ask at once", async () => {
    const database = await postgres.database();
    const sessions = await Promise.all([1, 2, 3, 4].map(() => start(database)));
    const leases = await Promise.all(sessions.flatMap((session) => [session.lease("poller"), session.lease("poller")]));
    expect(leases.filter((lease) => lease !== null)).toHaveLength(1);
  });

  it("is lost with the connection, and another takes it", async () => {
    const database = await postgres.database();
    const session = await start(database);
    const lease = await session.lease("scheduler");
    await breakAll(database);
    const heir = await start(database);
    await vi.waitFor(async () => expect((await heir.lease("scheduler"))?.held()).toBe(true));
    await vi.waitFor(() => expect(lease?.held()).toBe(false));
    await lease?.release();
  });

  it("cannot be asked for without a connection, which is something else than that another holds it", async () => {
    const database = await postgres.database();
    const session = await start(database);
    await session.close();
    await expect(session.lease("scheduler")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("that is asked for while the connection breaks is refused as unavailable, or had from the next one", async () => {
    const database = await postgres.database();
    const session = await start(database);
    const asked = Promise.allSettled([1, 2, 3].map((name) => session.lease(`poller-${name}`)));
    await breakAll(database);
    for (const answer of await asked) if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "unavailable" });
    await vi.waitFor(async () => expect((await session.lease("scheduler"))?.held()).toBe(true), { timeout: 10_000 });
  });
});
