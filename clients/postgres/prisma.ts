import { PrismaPg } from "@prisma/adapter-pg";
import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { PrismaClient } from "../../prisma/generated/client.ts";
import { type Connection, STATEMENT_MS, toClientConfig, toUnavailable } from "./pool.ts";

export type { PrismaClient };

const POOL_MAX = 4;

/** Prisma's client, for the records people edit, on a small pool of its own. It connects when it is first used. */
export function createPrisma(connection: Connection): PrismaClient {
  const config = toClientConfig(connection, { application_name: "switchboard records" });
  return new PrismaClient({ adapter: new PrismaPg({ ...config, max: POOL_MAX, query_timeout: STATEMENT_MS }) });
}

/** Prisma's own codes of a server that cannot be reached, or whose pool is busy. Source: https://www.prisma.io/docs/orm/reference/error-reference */
const UNREACHABLE = new Set(["P1001", "P1002", "P1008", "P1011", "P1017", "P2024", "P2028", "P2037"]);
const UNIQUE_VIOLATION = "P2002";

/** What PostgreSQL itself said, where Prisma has no code of its own for it (P2039). Source: @prisma/adapter-pg 7.10, convertDriverError. */
const Original = z.object({
  meta: z.object({ driverAdapterError: z.object({ cause: z.object({ originalCode: z.string(), originalMessage: z.string() }) }) }),
});

const codeOf = (thrown: unknown) => (thrown instanceof Error && "code" in thrown ? thrown.code : undefined);

/**
 * Reads or changes records.
 * @throws OpsError `unavailable` when the database cannot be reached; other errors pass through
 */
export async function withRecords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Error) || !isUnreachable(thrown)) throw thrown;
    // Prisma's message quotes our source; its last line says what happened.
    throw new OpsError("unavailable", `the database cannot be reached: ${thrown.message.split("\n").at(-1)}`, { cause: thrown });
  }
}

function isUnreachable(thrown: Error): boolean {
  if (UNREACHABLE.has(String(codeOf(thrown)))) return true;
  const original = Original.safeParse(thrown).data?.meta.driverAdapterError.cause;
  const said = original ? Object.assign(new Error(original.originalMessage), { code: original.originalCode }) : thrown;
  return toUnavailable(said) !== said;
}

/** Whether what was thrown says that another record has this id or name already. */
export function isTaken(thrown: unknown): boolean {
  return codeOf(thrown) === UNIQUE_VIOLATION;
}
