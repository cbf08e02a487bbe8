import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createPrisma } from "../../../clients/postgres/prisma.ts";
import { Prisma } from "../../../prisma/generated/client.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";
import { ROOT } from "../../support/source.ts";

/** The schema and the migrations are written by hand: they must say the same. */
const postgres = usePostgres();

/** Every model of the schema, and its table. */
const models = [...readFileSync(`${ROOT}prisma/schema.prisma`, "utf8").matchAll(/^model (\w+) \{[^}]*@@map\("(\w+)"\)/gm)].map(
  ([, model = "", table_name = ""]) => ({ model, table_name }),
);

it("every model of the schema reads its migrated table, every column of it", async () => {
  const connection = await postgres.database();
  const prisma = createPrisma(connection);
  expect(models.map(({ model }) => model).toSorted()).toEqual(Object.values(Prisma.ModelName).toSorted());
  try {
    // The audit's head is made by the migration.
    for (const { model } of models.filter((each) => each.model !== "AuditHead")) {
      const delegate = prisma[(model[0]?.toLowerCase() + model.slice(1)) as "run"] as unknown as { findFirst(): Promise<unknown> };
      await expect(delegate.findFirst(), model).resolves.toBeNull();
    }
    expect(await prisma.auditHead.findMany()).toEqual([{ id: 1, seq: 0n, hash: "" }]);
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
  const fieldsOf = (model: string) => Object.values(Prisma[`${model}ScalarFieldEnum` as "RunScalarFieldEnum"]).toSorted();
  const known = models.map(({ model, table_name }) => ({ table_name, columns: fieldsOf(model) }));
  expect(columns.rows).toEqual(known.toSorted((a, b) => (a.table_name < b.table_name ? -1 : 1)));
});
