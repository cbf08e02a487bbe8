import { LOCALES } from "../../core/locale.ts";
import type { People, RoleChange } from "../../core/ports.ts";
import { type Person, ROLES, type Role } from "../../core/request.ts";
import type { Prisma } from "../../prisma/generated/client.ts";
import { type PrismaClient, withRecords } from "./prisma.ts";

/** A role that a setting gives at the first start. */
export interface FirstGrant {
  readonly identity: string;
  readonly role: Exclude<Role, "ingest">;
}

const WITH_GRANTS = { person: { include: { grants: { where: { revoked_at: null } } } } } as const;

/** People and their roles, through Prisma: these are the records people edit. */
export function createPeople(prisma: PrismaClient): People & { applyFirstGrants(grants: readonly FirstGrant[]): Promise<void> } {
  return {
    async find(identity) {
      const found = await withRecords(() => prisma.identity.findUnique({ where: { identity }, include: WITH_GRANTS }));
      return found && toPerson(found.person);
    },
    grant: (identity, role, by) => replaceRole(prisma, { identity, role, by }),
    revoke: (identity, by) => replaceRole(prisma, { identity, role: null, by }),
    async applyFirstGrants(grants) {
      for (const { identity, role } of grants) await applyFirstGrant(prisma, identity, role);
    },
  };
}

/** An advisory lock of our own; the number has no meaning. */
const ROLES_LOCK = 21_337;

/** Changes roles, one change at a time: else two that make a person known collide, and two that replace a role both stay. */
function changeRoles<T>(prisma: PrismaClient, work: (tx: Prisma.TransactionClient) => Promise<T>): Promise<T> {
  const transaction = async (tx: Prisma.TransactionClient) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ROLES_LOCK})`;
    return work(tx);
  };
  return withRecords(() => prisma.$transaction(transaction));
}

async function replaceRole(
  prisma: PrismaClient,
  { identity, role, by }: { identity: string; role: Role | null; by: string },
): Promise<RoleChange> {
  return changeRoles(prisma, async (tx) => {
    const known = await tx.identity.findUnique({ where: { identity }, include: WITH_GRANTS });
    const before = known ? toPerson(known.person).role : null;
    if (before === role || (known === null && role === null)) return { before, after: role };
    const person_id = known?.person_id ?? identity;
    if (!known) await tx.person.create({ data: { person_id, name: identity, identities: { create: { identity } } } });
    await tx.grant.updateMany({ where: { person_id, revoked_at: null }, data: { revoked_at: new Date(), revoked_by: by } });
    if (role !== null) await tx.grant.create({ data: { person_id, role, source: "command", granted_by: by } });
    return { before, after: role };
  });
}

/** Once a person: whoever was ever granted anything is left as they are, so a revoked grant stays revoked. */
async function applyFirstGrant(prisma: PrismaClient, identity: string, role: Role): Promise<void> {
  await changeRoles(prisma, async (tx) => {
    const known = await tx.identity.findUnique({ where: { identity }, include: { person: { include: { grants: { take: 1 } } } } });
    if (known && known.person.grants.length > 0) return;
    const person_id = known?.person_id ?? identity;
    if (!known) await tx.person.create({ data: { person_id, name: identity, identities: { create: { identity } } } });
    await tx.grant.create({ data: { person_id, role, source: "setting", granted_by: "settings" } });
  });
}

/** A person's row and grants as the core sees them; the highest grant counts. */
function toPerson(row: {
  person_id: string;
  name: string;
  locale: string | null;
  zone: string | null;
  grants: readonly { role: string }[];
}): Person {
  const role = ROLES.findLast((candidate) => row.grants.some((grant) => grant.role === candidate)) ?? null;
  const locale = LOCALES.find((candidate) => candidate === row.locale) ?? null;
  return { person_id: row.person_id, name: row.name, role, locale, zone: row.zone };
}
