import { PrismaPg } from "@prisma/adapter-pg";
import { OpsError } from "../../core/errors.ts";
import { PrismaClient } from "../../prisma/generated/client.ts";
import { type Connection, toClientConfig, toUnavailable } from "./pool.ts";

export type { PrismaClient };

const POOL_MAX = 4;

/** Prisma's client, for the records people edit, on a small pool of its own. It connects when it is first used. */
export function createPrisma(connection: Connection): PrismaClient {
  const config = toClientConfig(connection, { application_name: "switchboard records" });
  return new PrismaClient({ adapter: new PrismaPg({ ...config, max: POOL_MAX }) });
}

/** Prisma's own codes of a server that cannot be reached, or whose pool is busy. Source: https://www.prisma.io/docs/orm/reference/error-reference */
const UNREACHABLE = new Set(["P1001", "P1002", "P1008", "P1011", "P1017", "P2024", "P2028"]);
const UNIQUE_VIOLATION = "P2002";

const codeOf = (thrown: unknown) => (thrown instanceof Error && "code" in thrown ? thrown.code : undefined);

/**
 * Reads or changes records.
 * @throws OpsError `unavailable` when the database cannot be reached; other errors pass through
 */
export async function withRecords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const reached = toUnavailable(thrown) === thrown && !UNREACHABLE.has(String(codeOf(thrown)));
    if (reached || !(thrown instanceof Error)) throw thrown;
    // Prisma's message quotes our source; its last line says what happened.
    throw new OpsError("unavailable", `the database cannot be reached: ${thrown.message.split("\n").at(-1)}`, { cause: thrown });
  }
}

/** Whether what was thrown says that another record has this id or name already. */
export function isTaken(thrown: unknown): boolean {
  return codeOf(thrown) === UNIQUE_VIOLATION;
}
