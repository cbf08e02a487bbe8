import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { createLogger } from "../clients/logger.ts";
import { join, startEmbedded } from "../clients/postgres/embedded.ts";
import { createKeyStore } from "../clients/postgres/keys.ts";
import { bringUpToDate } from "../clients/postgres/migrate.ts";
import type { Connection } from "../clients/postgres/pool.ts";
import { createPrisma } from "../clients/postgres/prisma.ts";
import { type Config, parseConfig } from "../core/config.ts";
import { ConfigError } from "../core/config-fields.ts";
import { OpsError, toOpsError } from "../core/errors.ts";
import { ROLES } from "../core/request.ts";
import { migrationsFolder } from "./app/paths.ts";

const USAGE = `usage: switchboard keys create --name NAME --role ${ROLES.join("|")}`;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Taken by ADMIN_API_KEY. */
const RESERVED = "admin";
const KEY_BYTES = 32;
const ELSEWHERE =
  "keys are made on the database itself, not over SWITCHBOARD_URL: run this where that Switchboard runs, with its DATA_DIR or DATABASE_URL";

/** `switchboard keys create`: makes an API key on the database and prints it, once. @returns the exit code */
export async function keys(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const asked = parseArguments(argv);
  if (typeof asked === "string") {
    console.error(asked);
    return 2;
  }
  try {
    const config = parseConfig(env, process.cwd());
    const isElsewhere = config.database_url === null && env["SWITCHBOARD_URL"] && !existsSync(config.data_dir);
    if (isElsewhere) throw new OpsError("invalid_input", ELSEWHERE);
    const secret = `sb_${randomBytes(KEY_BYTES).toString("base64url")}`;
    await onDatabase(config, (connection) => create(connection, { ...asked, secret }));
    console.log(secret);
    const place = config.database_url === null ? `the database in ${config.data_dir}` : "the database of DATABASE_URL";
    console.error(`This key of role ${asked.role} is shown only now; it is good at the Switchboard on ${place}.`);
    console.error("Send it as: Authorization: Bearer KEY");
    return 0;
  } catch (thrown) {
    console.error(thrown instanceof ConfigError ? thrown.message : toOpsError(thrown).message);
    return thrown instanceof ConfigError ? 78 : 1;
  }
}

function parseArguments(argv: readonly string[]): { name: string; role: string } | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { name: { type: "string" }, role: { type: "string" } },
    });
    const { name, role } = values;
    if (positionals.join(" ") !== "create" || name === undefined || role === undefined) return USAGE;
    if (!NAME.test(name) || name === RESERVED) return `--name must be 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", and not "${RESERVED}"`;
    return ROLES.some((known) => known === role) ? { name, role } : `--role must be one of ${ROLES.join(", ")}`;
  } catch (thrown) {
    return `${thrown instanceof Error ? thrown.message : thrown}\n${USAGE}`;
  }
}

async function create(connection: Connection, key: { name: string; role: string; secret: string }): Promise<void> {
  const prisma = createPrisma(connection);
  try {
    await createKeyStore(prisma).create(key);
  } catch (thrown) {
    if (thrown instanceof OpsError && thrown.code === "invalid_input")
      throw new OpsError("invalid_input", `${thrown.message}; choose another name`);
    throw thrown;
  } finally {
    await prisma.$disconnect();
  }
}

/** Works on the database: the one that is set, the embedded one of a running Switchboard, or that one started for the moment. */
async function onDatabase(config: Config, work: (connection: Connection) => Promise<void>): Promise<void> {
  const running = config.database_url ?? (await join({ data_dir: config.data_dir }));
  if (running !== null) {
    await bringUpToDate(running, migrationsFolder());
    return work(running);
  }
  const embedded = await startEmbedded({ data_dir: config.data_dir, log: createLogger({ level: "warn", redact: [] }) });
  try {
    await bringUpToDate(embedded.connection, migrationsFolder());
    await work(embedded.connection);
  } finally {
    await embedded.stop();
  }
}
