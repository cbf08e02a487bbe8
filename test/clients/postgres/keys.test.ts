import { describe, expect, it, onTestFinished } from "vitest";
import { createKeyStore, hashKey } from "../../../clients/postgres/keys.ts";
import type { Connection } from "../../../clients/postgres/pool.ts";
import { createPrisma } from "../../../clients/postgres/prisma.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

const postgres = usePostgres();
const SECRET = "sk_0123456789abcdefghijklmnopqrstuvwxyz";
const NOWHERE = { host: "/nonexistent", port: 5432, user: "postgres", database: "postgres" };

function open(database: Connection) {
  const prisma = createPrisma(database);
  onTestFinished(() => prisma.$disconnect());
  const rows = (sql: string) => withClient(database, async (client) => (await client.query(sql)).rows as unknown[]);
  return { keys: createKeyStore(prisma), rows };
}
const start = async () => open(await postgres.database());

describe("a key", () => {
  it("is found by its secret, of which only the hash is stored", async () => {
    const { keys, rows } = await start();
    await keys.create({ name: "ci", role: "operator", secret: SECRET });
    const person = { person_id: "key:ci", name: "ci", role: "operator", locale: null, zone: null };
    expect(await keys.find(SECRET)).toEqual({ identity: "key:ci", person });
    expect(await keys.holder("key:ci")).toEqual(person);
    expect(await keys.find(`${SECRET}x`)).toBeNull();
    expect(await keys.find(hashKey(SECRET))).toBeNull();
    expect(await keys.holder("key:nobody")).toBeNull();
    const stored = await Promise.all(["keys", "people", "identities", "grants"].map((table) => rows(`SELECT * FROM ${table}`)));
    expect(JSON.stringify(stored)).not.toContain(SECRET);
    expect(JSON.stringify(stored)).toContain(hashKey(SECRET));
  });

  it("is answered for while the database hangs: unavailable", async () => {
    const database = await postgres.database();
    const { keys } = open(database);
    await keys.create({ name: "ci", role: "operator", secret: SECRET });
    await withClient(database, async (holder) => {
      await holder.query("BEGIN");
      await holder.query("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE");
      await expect(keys.find(SECRET)).rejects.toMatchObject({ code: "unavailable" });
      await holder.query("ROLLBACK");
    });
    expect(await keys.find(SECRET)).toMatchObject({ identity: "key:ci" });
  });

  it("has a name of its own, also when two are made at once", async () => {
    const { keys, rows } = await start();
    await keys.create({ name: "ci", role: "viewer", secret: SECRET });
    const taken = { code: "invalid_input", text: { key: "keys.name_taken", params: { name: "ci" } } };
    await expect(keys.create({ name: "ci", role: "admin", secret: "another" })).rejects.toMatchObject(taken);
    const twins = await Promise.allSettled(["a", "b", "c"].map((secret) => keys.create({ name: "twin", role: "viewer", secret })));
    expect(twins.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const twin of twins) if (twin.status === "rejected") expect(twin.reason).toMatchObject({ code: "invalid_input" });
    expect(await rows("SELECT name FROM keys ORDER BY name")).toEqual([{ name: "ci" }, { name: "twin" }]);
  });

  it("that is revoked opens nothing", async () => {
    const { keys, rows } = await start();
    await keys.create({ name: "ci", role: "admin", secret: SECRET });
    await rows("UPDATE keys SET revoked_at = now()");
    expect(await keys.find(SECRET)).toBeNull();
    expect(await keys.holder("key:ci")).toBeNull();
  });

  it("of any role is one, until it is revoked", async () => {
    const { keys, rows } = await start();
    expect(await keys.hasAny()).toBe(false);
    await keys.create({ name: "ci", role: "viewer", secret: SECRET });
    expect(await keys.hasAny()).toBe(true);
    await rows("UPDATE keys SET revoked_at = now()");
    expect(await keys.hasAny()).toBe(false);
  });

  it("with a role that this release does not know opens nothing", async () => {
    const { keys } = await start();
    await keys.create({ name: "odd", role: "emperor", secret: SECRET });
    expect(await keys.find(SECRET)).toBeNull();
  });
});

it("keys cannot be had where there is no database, and that is said", async () => {
  const { keys } = open(NOWHERE);
  await expect(keys.find(SECRET)).rejects.toMatchObject({ code: "unavailable" });
  await expect(keys.hasAny()).rejects.toMatchObject({ code: "unavailable" });
});
