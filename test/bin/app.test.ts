import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { startApp } from "../../bin/app/app.ts";
import { createDesk } from "../../bin/app/desk.ts";
import { openPlatforms } from "../../bin/app/platforms.ts";
import { openQueues } from "../../bin/app/queues.ts";
import { openStorage } from "../../bin/app/storage.ts";
import { parseConfig } from "../../core/config.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { toUrl } from "../support/world.ts";

const postgres = usePostgres();
let DATA_DIR = "";
beforeAll(async () => {
  DATA_DIR = await mkdtemp(path.join(tmpdir(), "switchboard-app-"));
});
afterAll(() => rm(DATA_DIR, { recursive: true, force: true }));

const log = createMemoryLog();

async function configure(env: Record<string, string>) {
  const settings = { DATA_DIR, DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY: "0".repeat(64), PORT: "0", ...env };
  return parseConfig(settings, "/");
}

it("an address that others reach needs a key only where HTTP is served", async () => {
  const open = async (ROLES: string) => startApp(await configure({ HOST: "0.0.0.0", ROLES }), log);
  await expect(open("http")).rejects.toMatchObject({ variable: "ADMIN_API_KEY" });
  const app = await open("workers");
  onTestFinished(() => app.stop());
  expect(app.url).toBeNull();
});

it("the sandbox's people are nobody once it is off, and themselves when it is on again", async () => {
  const DATABASE_URL = toUrl(await postgres.database());
  const roleIn = async (SANDBOX: string) => {
    const config = await configure({ DATABASE_URL, SANDBOX });
    const storage = await openStorage(config, log);
    const queues = await openQueues(config, storage, log);
    const platforms = await openPlatforms(config, { ephemeral: queues.ephemeral, log });
    const stopping = new AbortController().signal;
    const { identities } = await createDesk({ config, storage, queues, platforms, adapters: [], log, stopping });
    const person = await identities.identify("telegram:1001");
    for (const part of [platforms, queues, storage]) await part.close();
    return person?.role ?? null;
  };
  expect([await roleIn("1"), await roleIn("0"), await roleIn("1")]).toEqual(["admin", null, "admin"]);
});
