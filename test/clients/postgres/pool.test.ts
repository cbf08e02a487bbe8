import { createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Connection, createPool, type PoolOptions, toClientConfig, withTransaction } from "../../../clients/postgres/pool.ts";
import type { Logger } from "../../../core/ports.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

const postgres = usePostgres();
const log: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function pool(connection: Connection, options: Partial<PoolOptions> = {}) {
  const made = createPool(connection, { max: 2, application_name: "pool test", log, ...options });
  onTestFinished(() => made.end());
  return made;
}

describe("a pool", () => {
  it("looks in the schemas it is told", async () => {
    const database = await postgres.database();
    const { rows } = await pool(database, { search_path: "bullmq,public" }).query("SHOW search_path");
    expect(rows).toEqual([{ search_path: "bullmq,public" }]);
  });

  it("adds its settings to those of a URL", async () => {
    const database = await postgres.database();
    if (typeof database === "string") throw new Error("the test server has a socket");
    const url = `postgresql://postgres@localhost/${database.database}?host=${encodeURIComponent(database.host)}&options=-c%20work_mem%3D8MB`;
    const { rows } = await pool(url, { search_path: "bullmq,public" }).query(
      "SELECT current_setting('search_path') AS path, current_setting('work_mem') AS memory",
    );
    expect(rows).toEqual([{ path: "bullmq,public", memory: "8MB" }]);
  });

  it("outlives connections that break, idle or checked out", async () => {
    const database = await postgres.database();
    const warn = vi.fn();
    const shared = pool(database, { log: { ...log, warn } });
    const client = await shared.connect();
    await shared.query("SELECT 1");
    await withClient(database, (admin) =>
      admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool test' AND datname = current_database()",
      ),
    );
    await vi.waitFor(() => expect(warn).toHaveBeenCalled());
    await expect(client.query("SELECT 1")).rejects.toThrow();
    client.release(true);
    expect((await shared.query("SELECT 2 AS n")).rows).toEqual([{ n: 2 }]);
  });

  it("says once that the server took all its connections", async () => {
    const database = await postgres.database();
    const told = createMemoryLog();
    const shared = pool(database, { log: told, max: 3, application_name: "pool of three" });
    await Promise.all([1, 2, 3].map(() => shared.query("SELECT pg_sleep(0.05)")));
    await withClient(database, (admin) =>
      admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool of three'"),
    );
    await vi.waitFor(() => expect(told.lines).toHaveLength(3));
    expect(told.lines.map(({ level }) => level)).toEqual(["warn", "debug", "debug"]);
    expect(told.lines[0]).toMatchObject({ fields: { pool: "pool of three", reason: expect.stringContaining("terminat") } });
  });

  it("gives up on a server that says nothing", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await vi.waitFor(() => expect(silent.listening).toBe(true));
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const dead = pool(`postgresql://nobody@127.0.0.1:${address.port}/none`);
    await expect(withTransaction(dead, async () => undefined)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("takes nothing from the environment for a socket", () => {
    const config = toClientConfig({ host: "/run", port: 5432, user: "postgres", database: "d" }, { application_name: "a" });
    expect(config).toMatchObject({ password: "", ssl: false, options: "" });
  });
});

describe("withTransaction", () => {
  it("keeps what was done when the work is done", async () => {
    const shared = pool(await postgres.database());
    await withTransaction(shared, (client) => client.query("INSERT INTO people (person_id, name) VALUES ('p1', 'Ada')"));
    expect((await shared.query("SELECT name FROM people")).rows).toEqual([{ name: "Ada" }]);
  });

  it("undoes everything when the work throws, and the connection is as good as new", async () => {
    const shared = pool(await postgres.database(), { max: 1 });
    const failing = withTransaction(shared, async (client) => {
      await client.query("INSERT INTO people (person_id, name) VALUES ('p1', 'Ada')");
      throw new Error("not today");
    });
    await expect(failing).rejects.toThrow("not today");
    expect((await shared.query("SELECT count(*)::int AS n FROM people")).rows).toEqual([{ n: 0 }]);
  });

  it("says unavailable when the connection breaks in the middle", async () => {
    const shared = pool(await postgres.database(), { max: 1 });
    const broken = withTransaction(shared, (client) => client.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    await expect(broken).rejects.toMatchObject({ code: "unavailable" });
    expect((await shared.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
  });
});
