import { expect, it } from "vitest";
import { createPrisma } from "../../../clients/postgres/prisma.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

/** The schema and the migrations are written by hand: they must say the same. */
const postgres = usePostgres();

it("every model of the schema reads its migrated table, every column of it", async () => {
  const connection = await postgres.database();
  const prisma = createPrisma(connection);
  try {
    for (const model of [
      "person",
      "identity",
      "grant",
      "key",
      "inbox",
      "run",
      "delivery",
      "audit",
      "conversation",
      "movedAddress",
    ] as const) {
      await expect((prisma[model] as { findFirst(): Promise<unknown> }).findFirst(), model).resolves.toBeNull();
    }
  } finally {
    await prisma.$disconnect();
  }
});

it("no table has a column that the schema does not know", async () => {
  const connection = await postgres.database();
  const columns = await withClient(connection, (client) =>
    client.query<{ table_name: string; columns: string[] }>(
      `SELECT table_name, array_agg(column_name::text ORDER BY column_name) AS columns FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name <> '_prisma_migrations' GROUP BY table_name ORDER BY table_name`,
    ),
  );
  const { Prisma } = await import("../../../prisma/generated/client.ts");
  const fields = [
    ["audit", Prisma.AuditScalarFieldEnum],
    ["conversations", Prisma.ConversationScalarFieldEnum],
    ["deliveries", Prisma.DeliveryScalarFieldEnum],
    ["grants", Prisma.GrantScalarFieldEnum],
    ["identities", Prisma.IdentityScalarFieldEnum],
    ["inbox", Prisma.InboxScalarFieldEnum],
    ["keys", Prisma.KeyScalarFieldEnum],
    ["moved_addresses", Prisma.MovedAddressScalarFieldEnum],
    ["people", Prisma.PersonScalarFieldEnum],
    ["runs", Prisma.RunScalarFieldEnum],
  ] as const;
  const known = fields.map(([table_name, names]) => ({ table_name, columns: Object.values(names).sort() }));
  expect(columns.rows).toEqual(known);
});
