import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../prisma/generated/client.ts";
import { type Connection, toClientConfig } from "./pool.ts";

export type { PrismaClient };

const POOL_MAX = 4;

/** Prisma's client, for the records people edit, on a small pool of its own. It connects when it is first used. */
export function createPrisma(connection: Connection): PrismaClient {
  const config = toClientConfig(connection, { application_name: "switchboard records" });
  return new PrismaClient({ adapter: new PrismaPg({ ...config, max: POOL_MAX }) });
}
