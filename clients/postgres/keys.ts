import { createHash, randomUUID } from "node:crypto";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { type Person, ROLES } from "../../core/request.ts";
import type { KeyStore } from "../../core/stores.ts";
import { withinDeadline } from "../deadline.ts";
import { isTaken, type PrismaClient, withRecords } from "./prisma.ts";

/** API keys, through Prisma. A key is 256 random bits, so its plain SHA-256 cannot be guessed back. */
export function createKeyStore(prisma: PrismaClient): KeyStore {
  return {
    async create({ name, role, secret }) {
      const identity = `key:${name}`;
      const person = {
        connectOrCreate: { where: { person_id: identity }, create: { person_id: identity, name, identities: { create: { identity } } } },
      };
      const data = { key_id: randomUUID(), name, role, hash: hashKey(secret), person };
      await withRecords(() => prisma.key.create({ data })).catch((thrown: unknown) => {
        if (!isTaken(thrown)) throw thrown;
        throw new OpsError("invalid_input", `a key named ${name} exists`, { text: text("keys.name_taken", { name }) });
      });
    },
    async find(secret) {
      // Every request asks this first, and must be answered in time where the database hangs.
      const key = await withinDeadline("the keys", () => withRecords(() => prisma.key.findUnique({ where: { hash: hashKey(secret) } })));
      return key && toHolder(key);
    },
    async holder(identity) {
      const key = await withRecords(() => prisma.key.findUnique({ where: { name: identity.slice("key:".length) } }));
      return (key && toHolder(key)?.person) ?? null;
    },
    async hasAny() {
      return (await withRecords(() => prisma.key.count({ where: { revoked_at: null } }))) > 0;
    },
  };
}

function toHolder(key: { name: string; role: string; person_id: string; revoked_at: Date | null }) {
  const role = ROLES.find((candidate) => candidate === key.role);
  if (key.revoked_at !== null || !role) return null;
  const person: Person = { person_id: key.person_id, name: key.name, role, locale: null, zone: null };
  return { identity: `key:${key.name}`, person };
}

/** The form in which a key is stored and looked up. */
export function hashKey(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
