import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { join, startEmbedded } from "../../../clients/postgres/embedded.ts";
import type { SocketConnection } from "../../../clients/postgres/pool.ts";
import { emptyFolder, processesOf, quiet, startChild, useMadeFolder } from "../../support/embedded.ts";
import { withClient } from "../../support/postgres.ts";

const log = quiet;
const dataFolder = useMadeFolder();

function ask<T>(connection: SocketConnection, statement: string): Promise<T[]> {
  return withClient(connection, async (client) => (await client.query<{ value: T }>(statement)).rows.map((row) => row.value));
}

async function nameOf(connection: SocketConnection): Promise<string> {
  const [name = ""] = await ask<string>(connection, "SELECT current_setting('cluster_name') AS value");
  return name;
}

const gone = (name: string) => vi.waitFor(async () => expect(await processesOf(name)).toEqual([]), { timeout: 10_000 });

describe("the embedded PostgreSQL", () => {
  it("keeps its data over a stop and leaves nothing running", async () => {
    const data_dir = await dataFolder();
    const first = await startEmbedded({ data_dir, log });
    await ask(first.connection, "CREATE TABLE kept (value TEXT)");
    await ask(first.connection, "INSERT INTO kept VALUES ('Привет')");
    const name = await nameOf(first.connection);
    await first.stop();
    await gone(name);
    const second = await startEmbedded({ data_dir, log });
    expect(await ask(second.connection, "SELECT lower(value) AS value FROM kept")).toEqual(["привет"]);
    await second.stop();
  });

  it("writes to the disk before it says done, and listens on no port", async () => {
    const server = await startEmbedded({ data_dir: await dataFolder(), log });
    const setting = (name: string) => ask<string>(server.connection, `SELECT current_setting('${name}') AS value`);
    expect(await setting("fsync")).toEqual(["on"]);
    expect(await setting("synchronous_commit")).toEqual(["on"]);
    expect(await setting("listen_addresses")).toEqual([""]);
    await server.stop();
  });

  it("finds a shorter place for its socket when the folder's path is long", async () => {
    const data_dir = path.join(await emptyFolder("/tmp"), "a-long-name-".repeat(10));
    const server = await startEmbedded({ data_dir, log });
    expect(server.connection.host.startsWith(data_dir)).toBe(false);
    expect(await ask(server.connection, "SELECT 1 AS value")).toEqual([1]);
    expect(await join({ data_dir })).toEqual(server.connection);
    await server.stop();
  });

  it("refuses a place for its socket that somebody else has prepared", async () => {
    const data_dir = path.join(await emptyFolder("/tmp"), "a-long-name-".repeat(10));
    const server = await startEmbedded({ data_dir, log });
    await server.stop();
    await symlink("/var/tmp", server.connection.host);
    await expect(startEmbedded({ data_dir, log })).rejects.toMatchObject({ code: "unavailable", message: /belongs to somebody else/ });
    await rm(server.connection.host);
  });

  it("starts again when the server is killed under it", async () => {
    const server = await startEmbedded({ data_dir: await dataFolder(), log });
    const [data] = await ask<string>(server.connection, "SELECT current_setting('data_directory') AS value");
    const pid = Number.parseInt(await readFile(path.join(String(data), "postmaster.pid"), "utf8"), 10);
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(ask(server.connection, "SELECT 1 AS value")).resolves.toEqual([1]), { timeout: 20_000 });
    await server.stop();
  });
});

describe("one folder, two processes", () => {
  it("refuses the second at once, naming the folder and the first", async () => {
    const data_dir = await dataFolder();
    const first = await startChild(data_dir);
    const second = await startChild(data_dir);
    expect(second.first).toMatchObject({ event: "refused", code: "unavailable" });
    expect(second.first.message).toContain(data_dir);
    expect(second.first.message).toContain(`process ${first.pid}`);
    expect(await join({ data_dir })).toEqual(first.first.connection);
    await first.stop();
    expect(await join({ data_dir })).toBeNull();
  });

  it("lets exactly one of several that start together have it", async () => {
    const data_dir = await emptyFolder("/tmp");
    const children = await Promise.all([1, 2, 3, 4].map(() => startChild(data_dir)));
    expect(children.filter((child) => child.first.event === "ready")).toHaveLength(1);
  });
});

describe("after a SIGKILL of its process", () => {
  it("the server ends by itself, and the next start has what was committed", async () => {
    const data_dir = await dataFolder();
    const killed = await startChild(data_dir);
    await ask(killed.first.connection, "CREATE TABLE kept AS SELECT 1 AS value");
    const name = await nameOf(killed.first.connection);
    await killed.kill();
    const next = await startChild(data_dir);
    expect(next.first.event).toBe("ready");
    expect(await ask(next.first.connection, "SELECT value FROM kept")).toEqual([1]);
    await next.kill();
    await gone(name);
  });

  it("takes over where even the watching shell was killed", async () => {
    const data_dir = await dataFolder();
    const killed = await startChild(data_dir);
    const pids = await processesOf(`cluster_name=${await nameOf(killed.first.connection)}`);
    await killed.kill();
    for (const pid of pids) if (await isShell(pid)) process.kill(pid, "SIGKILL");
    const next = await startChild(data_dir);
    expect(next.first.event).toBe("ready");
    await next.stop();
  });

  it("is not fooled by a pid file whose pid is now somebody else's", async () => {
    const data_dir = await dataFolder();
    const first = await startChild(data_dir);
    const file = path.join(data_dir, "postgres/data/postmaster.pid");
    const left = await readFile(file, "utf8");
    await first.stop();
    await writeFile(file, left.replace(/^\d+/, String(process.pid)));
    const next = await startChild(data_dir);
    expect(next.first.event).toBe("ready");
    await next.stop();
  });

  it("makes its folder anew where the first start was killed half way", async () => {
    const data_dir = await emptyFolder("/tmp");
    const half = startChild(data_dir).catch(() => null);
    const begun = async () => expect(await readFile(path.join(data_dir, "postgres/owner.1"), "utf8")).not.toBe("");
    await vi.waitFor(begun, { timeout: 10_000, interval: 5 });
    const { pid } = JSON.parse(await readFile(path.join(data_dir, "postgres/owner.1"), "utf8"));
    process.kill(pid, "SIGKILL");
    await half;
    const next = await startChild(data_dir);
    expect(next.first.event).toBe("ready");
    await next.stop();
  });
});

async function isShell(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim() === "sh";
}
