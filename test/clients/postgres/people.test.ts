import { describe, expect, it, onTestFinished } from "vitest";
import { createPeople } from "../../../clients/postgres/people.ts";
import { type Connection, createPool } from "../../../clients/postgres/pool.ts";
import { createPrisma } from "../../../clients/postgres/prisma.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";
import { SILENT } from "../../support/stores.ts";

const postgres = usePostgres();
const ANN = "telegram:1001";
const NOWHERE = { host: "/nonexistent", port: 5432, user: "postgres", database: "postgres" };

function open(database: Connection, sandbox = false) {
  const prisma = createPrisma(database);
  const pool = createPool(database, { max: 2, application_name: "test people", log: SILENT });
  onTestFinished(async () => {
    await Promise.all([prisma.$disconnect(), pool.end()]);
  });
  return createPeople(prisma, { pool, sandbox });
}
const start = async () => open(await postgres.database());

async function query(database: Connection, sql: string): Promise<unknown[]> {
  return withClient(database, async (client) => (await client.query(sql)).rows);
}

describe("a role", () => {
  it("is given, replaced and taken, and the person stays known", async () => {
    const people = await start();
    expect(await people.find(ANN)).toBeNull();
    expect(await people.grant(ANN, "viewer", "cli")).toEqual({ before: null, after: "viewer" });
    expect(await people.find(ANN)).toEqual({ person_id: ANN, name: ANN, role: "viewer", locale: null, zone: null });
    expect(await people.grant(ANN, "admin", "cli")).toEqual({ before: "viewer", after: "admin" });
    expect(await people.grant(ANN, "operator", "cli")).toEqual({ before: "admin", after: "operator" });
    expect((await people.find(ANN))?.role).toBe("operator");
    expect(await people.revoke(ANN, "cli")).toEqual({ before: "operator", after: null });
    expect(await people.find(ANN)).toMatchObject({ person_id: ANN, role: null });
    expect(await people.revoke(ANN, "cli")).toEqual({ before: null, after: null });
  });

  it("of nobody is taken from nobody", async () => {
    const people = await start();
    expect(await people.revoke(ANN, "cli")).toEqual({ before: null, after: null });
    expect(await people.find(ANN)).toBeNull();
  });

  it("is remembered with who gave and took it", async () => {
    const database = await postgres.database();
    const people = open(database);
    await people.grant(ANN, "viewer", "telegram:1");
    await people.grant(ANN, "viewer", "telegram:2");
    await people.revoke(ANN, "telegram:3");
    expect(await query(database, "SELECT role, source, granted_by, revoked_by FROM grants")).toEqual([
      { role: "viewer", source: "command", granted_by: "telegram:1", revoked_by: "telegram:3" },
    ]);
  });

  it("is the highest of those a person holds", async () => {
    const database = await postgres.database();
    const people = open(database);
    await people.grant(ANN, "viewer", "cli");
    await query(database, `INSERT INTO grants (person_id, role, source, granted_by) VALUES ('${ANN}', 'operator', 'command', 'cli')`);
    await query(
      database,
      `INSERT INTO grants (person_id, role, source, granted_by) VALUES ('${ANN}', 'of a later release', 'command', 'cli')`,
    );
    expect((await people.find(ANN))?.role).toBe("operator");
  });

  it("is one, when several give one at once", async () => {
    const database = await postgres.database();
    const [here, there] = [open(database), open(database)];
    const roles = ["viewer", "operator", "admin", "viewer"] as const;
    await Promise.all(roles.map((role, number) => (number % 2 ? here : there).grant(ANN, role, "cli")));
    expect(await query(database, "SELECT count(*)::int AS held FROM grants WHERE revoked_at IS NULL")).toEqual([{ held: 1 }]);
  });
});

describe("the roles that settings give", () => {
  const SETTINGS = [
    { identity: ANN, role: "admin", source: "setting" },
    { identity: "webex:ops@example.com", role: "operator", source: "setting" },
  ] as const;

  it("are given once: a revoked one stays revoked, a changed one stays changed", async () => {
    const people = await start();
    await people.applyFirstGrants(SETTINGS);
    expect((await people.find(ANN))?.role).toBe("admin");
    await people.revoke(ANN, "cli");
    await people.grant("webex:ops@example.com", "viewer", "cli");
    await people.applyFirstGrants(SETTINGS);
    expect((await people.find(ANN))?.role).toBeNull();
    expect((await people.find("webex:ops@example.com"))?.role).toBe("viewer");
  });

  it("are given once by many processes that start at once", async () => {
    const database = await postgres.database();
    await Promise.all([1, 2, 3, 4].map(() => open(database).applyFirstGrants(SETTINGS)));
    expect(await query(database, "SELECT person_id, role, source FROM grants ORDER BY role")).toEqual([
      { person_id: ANN, role: "admin", source: "setting" },
      { person_id: "webex:ops@example.com", role: "operator", source: "setting" },
    ]);
  });
});

describe("the roles of the sandbox's people", () => {
  const SANDBOX = [{ identity: ANN, role: "admin", source: "sandbox" }] as const;
  const SETTING = [{ identity: ANN, role: "viewer", source: "setting" }] as const;

  /** A data folder that was tried out in the sandbox, and is used in earnest now. */
  async function afterSandbox() {
    const database = await postgres.database();
    const [sandbox, real] = [open(database, true), open(database)];
    await sandbox.applyFirstGrants(SANDBOX);
    return { database, sandbox, real };
  }

  it("count while the sandbox is on, and for nobody real", async () => {
    const { sandbox, real } = await afterSandbox();
    expect((await sandbox.find(ANN))?.role).toBe("admin");
    expect(await real.find(ANN)).toMatchObject({ person_id: ANN, role: null });
    expect(await real.revoke(ANN, "cli")).toEqual({ before: null, after: null });
  });

  it("give way to a role that is given by command, which counts everywhere", async () => {
    const { sandbox, real } = await afterSandbox();
    expect(await real.grant(ANN, "viewer", "cli")).toEqual({ before: null, after: "viewer" });
    expect((await real.find(ANN))?.role).toBe("viewer");
    expect((await sandbox.find(ANN))?.role).toBe("viewer");
    expect(await sandbox.grant(ANN, "operator", "cli")).toEqual({ before: "viewer", after: "operator" });
    expect((await real.find(ANN))?.role).toBe("operator");
  });

  it("do not stand in the way of a setting, which takes their place", async () => {
    const { database, sandbox, real } = await afterSandbox();
    await real.applyFirstGrants(SETTING);
    expect((await real.find(ANN))?.role).toBe("viewer");
    expect((await sandbox.find(ANN))?.role).toBe("viewer");
    await sandbox.applyFirstGrants(SANDBOX);
    expect((await sandbox.find(ANN))?.role).toBe("viewer");
    expect(await query(database, "SELECT role, source, revoked_by FROM grants ORDER BY grant_id")).toEqual([
      { role: "admin", source: "sandbox", revoked_by: "settings" },
      { role: "viewer", source: "setting", revoked_by: null },
    ]);
  });

  it("once taken in the sandbox stay so there", async () => {
    const { sandbox } = await afterSandbox();
    await sandbox.revoke(ANN, "cli");
    await sandbox.applyFirstGrants(SANDBOX);
    expect((await sandbox.find(ANN))?.role).toBeNull();
  });
});

it("people cannot be had where there is no database, and that is said", async () => {
  const people = open(NOWHERE);
  await expect(people.find(ANN)).rejects.toMatchObject({ code: "unavailable" });
  await expect(people.grant(ANN, "viewer", "cli")).rejects.toMatchObject({ code: "unavailable" });
});

it("people can be had again after the connections broke", async () => {
  const database = await postgres.database();
  const people = open(database);
  await people.grant(ANN, "viewer", "cli");
  await query(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'switchboard records'");
  const found = await people.find(ANN).catch((thrown: unknown) => thrown);
  if (found instanceof Error) expect(found).toMatchObject({ code: "unavailable" });
  expect((await people.find(ANN))?.role).toBe("viewer");
});
