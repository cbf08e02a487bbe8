import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createPrisma, withRecords } from "../../../clients/postgres/prisma.ts";
import { usePostgres } from "../../support/postgres.ts";

const postgres = usePostgres();

/** Refuses every connection with this SQLSTATE, as PostgreSQL does. Source: https://www.postgresql.org/docs/15/protocol-message-formats.html */
async function refusing(state: string, message: string): Promise<string> {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`);
  const head = Buffer.from("E\0\0\0\0");
  head.writeInt32BE(fields.length + 4, 1);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(Buffer.concat([head, fields])));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `postgresql://nobody@127.0.0.1:${address.port}/none`;
}

function records(connection: Parameters<typeof createPrisma>[0]) {
  const prisma = createPrisma(connection);
  onTestFinished(() => prisma.$disconnect());
  return prisma;
}

it.each([
  ["57P03", "the database system is starting up"],
  ["57P01", "terminating connection due to administrator command"],
  ["57P02", "terminating connection because of crash of another server process"],
  ["53300", "sorry, too many clients already"],
])("says unavailable where PostgreSQL refuses with %s: %s", async (state, message) => {
  const prisma = records(await refusing(state, message));
  const asked = withRecords(() => prisma.key.count());
  await expect(asked).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(message) });
});

it("leaves an error that is no outage what it is", async () => {
  const prisma = records(await refusing("42501", "permission denied for table keys"));
  await expect(withRecords(() => prisma.key.count())).rejects.not.toMatchObject({ code: "unavailable" });
});

it("says unavailable where a connection is ended in the middle", async () => {
  const prisma = records(await postgres.database());
  const ended = withRecords(() => prisma.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`);
  await expect(ended).rejects.toMatchObject({ code: "unavailable" });
});
