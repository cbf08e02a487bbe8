import type pg from "pg";
import { LOCALES } from "../../core/locale.ts";
import type { People, RoleChange } from "../../core/ports.ts";
import { type Person, ROLES, type Role } from "../../core/request.ts";
import type { Prisma } from "../../prisma/generated/client.ts";
import { createBatches } from "../batches.ts";
import { type PrismaClient, withRecords } from "./prisma.ts";
import { query } from "./query.ts";

/** Where a role comes from that nobody gave by command. */
const SETTING = "setting";
const SANDBOX = "sandbox";

/** A role that is given at the first start: by a setting, or to one of the sandbox's people. */
export interface FirstGrant {
  readonly identity: string;
  readonly role: Exclude<Role, "ingest">;
  readonly source: typeof SETTING | typeof SANDBOX;
}

/** The database of people, and which of their roles count: those of the sandbox's people only while it is on, for outside it the same ids are real people's. */
interface Records {
  readonly prisma: PrismaClient;
  readonly sandbox: boolean;
}

const withGrants = ({ sandbox }: Records) => {
  const where = { revoked_at: null, ...(!sandbox && { source: { not: SANDBOX } }) };
  return { person: { include: { grants: { where } } } } as const;
};

interface PersonRow extends Omit<Parameters<typeof toPerson>[0], "grants"> {
  readonly identity: string;
  readonly roles: readonly string[];
}

/** Asked with every request and every run, so it is one statement, and one for all that are asked for at once; Prisma would make three of each. */
const FIND = `
  SELECT identity, people.person_id, name, locale, zone, ARRAY(
    SELECT role FROM grants WHERE grants.person_id = people.person_id AND revoked_at IS NULL AND ($2 OR source <> '${SANDBOX}')) AS roles
  FROM identities JOIN people USING (person_id) WHERE identity = ANY($1)`;

/** People and their roles. Changes go through Prisma: these are the records people edit. */
export function createPeople(
  prisma: PrismaClient,
  { pool, sandbox }: { readonly pool: pg.Pool; readonly sandbox: boolean },
): People & { applyFirstGrants(grants: readonly FirstGrant[]): Promise<void> } {
  const records = { prisma, sandbox };
  return {
    find: createBatches((identities: readonly string[]) => findAll(pool, identities, sandbox)),
    grant: (identity, role, by) => replaceRole(records, { identity, role, by }),
    revoke: (identity, by) => replaceRole(records, { identity, role: null, by }),
    async applyFirstGrants(grants) {
      for (const grant of grants) await applyFirstGrant(prisma, grant);
    },
  };
}

async function findAll(pool: pg.Pool, identities: readonly string[], sandbox: boolean): Promise<(Person | null)[]> {
  const rows = await query<PersonRow>(pool, FIND, [[...new Set(identities)], sandbox]);
  const found = new Map(rows.map((row) => [row.identity, toPerson({ ...row, grants: row.roles.map((role) => ({ role })) })]));
  return identities.map((identity) => found.get(identity) ?? null);
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
  records: Records,
  { identity, role, by }: { identity: string; role: Role | null; by: string },
): Promise<RoleChange> {
  return changeRoles(records.prisma, async (tx) => {
    const known = await tx.identity.findUnique({ where: { identity }, include: withGrants(records) });
    const before = known ? toPerson(known.person).role : null;
    if (before === role || (known === null && role === null)) return { before, after: role };
    const person_id = known?.person_id ?? identity;
    if (!known) await tx.person.create({ data: { person_id, name: identity, identities: { create: { identity } } } });
    await tx.grant.updateMany({ where: { person_id, revoked_at: null }, data: { revoked_at: new Date(), revoked_by: by } });
    if (role !== null) await tx.grant.create({ data: { person_id, role, source: "command", granted_by: by } });
    return { before, after: role };
  });
}

/** Once a person: whoever was ever granted anything is left as they are, so a revoked grant stays revoked. A setting takes the place of what the sandbox gave. */
async function applyFirstGrant(prisma: PrismaClient, { identity, role, source }: FirstGrant): Promise<void> {
  const standing = { take: 1, ...(source === SETTING && { where: { source: { not: SANDBOX } } }) };
  await changeRoles(prisma, async (tx) => {
    const known = await tx.identity.findUnique({ where: { identity }, include: { person: { include: { grants: standing } } } });
    if (known && known.person.grants.length > 0) return;
    const person_id = known?.person_id ?? identity;
    const granted_by = source === SETTING ? "settings" : SANDBOX;
    if (!known) await tx.person.create({ data: { person_id, name: identity, identities: { create: { identity } } } });
    await tx.grant.updateMany({ where: { person_id, revoked_at: null }, data: { revoked_at: new Date(), revoked_by: granted_by } });
    await tx.grant.create({ data: { person_id, role, source, granted_by } });
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
