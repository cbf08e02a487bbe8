import { expect, it } from "vitest";
import { createAuditLog } from "../../../clients/postgres/audit.ts";
import { createAuditReader } from "../../../clients/postgres/audit-reader.ts";
import type { AuditEntry } from "../../../core/stores.ts";
import { usePostgres } from "../../support/postgres.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const never = new AbortController().signal;

async function start(lines: number) {
  const here = await openProcess(await postgres.database());
  const audit = createAuditLog(here.pool);
  const entry = (number: number): AuditEntry => ({
    ...{ person_id: "p1", identity: `telegram:${number % 2}`, action: "ask", command: number % 3 === 0 ? "ping" : null, outcome: "done" },
    ...{ input: { number }, request_id: `q${number}`, run_id: null },
  });
  await Promise.all(Array.from({ length: lines }, (_, number) => audit.append(entry(number + 1))));
  return { ...here, reader: createAuditReader(here.pool) };
}

it("lists the newest lines first, by person, command, time and number", async () => {
  const { reader, rows } = await start(12);
  const numbers = async (filter: Partial<Parameters<typeof reader.list>[0]>) =>
    (await reader.list({ limit: 9, ...filter })).map(({ seq }) => seq);
  expect(await numbers({})).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4]);
  expect(await numbers({ identity: "telegram:1", before: 10 })).toEqual([9, 7, 5, 3, 1]);
  expect(await numbers({ command: "ping", limit: 2 })).toEqual([12, 9]);
  expect(await numbers({ command: "ping", identity: "telegram:0" })).toEqual([12, 6]);
  await rows("UPDATE audit SET at = '2026-01-01T00:00:00Z' WHERE seq < 12");
  expect(await numbers({ since: "2026-01-02T00:00:00Z" })).toEqual([12]);
  const [line] = await reader.list({ limit: 1, before: 2 });
  expect(line).toEqual({
    ...{ seq: 1, at: "2026-01-01T00:00:00.000Z", person_id: "p1", identity: "telegram:1", action: "ask", command: null },
    ...{ input: { number: 1 }, outcome: "done", request_id: "q1", run_id: null },
  });
});

it("knows one line's hash", async () => {
  const { reader } = await start(2);
  expect(await reader.hashOf(2)).toBe((await reader.verify(never)).head);
  expect(await reader.hashOf(3)).toBeNull();
});

it("is empty at first", async () => {
  const { reader } = await start(0);
  expect(await reader.verify(never)).toEqual({ lines: 0, head: "", broken: null });
});

it("reads a long chain in parts, and breaks off between them", async () => {
  const { reader, rows } = await start(45_000);
  expect(await reader.verify(never)).toMatchObject({ lines: 45_000, broken: null });
  await expect(reader.verify(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  await rows("DELETE FROM audit WHERE seq = 20000");
  expect(await reader.verify(never)).toMatchObject({ broken: 20_000 });
  await rows("DELETE FROM audit WHERE seq BETWEEN 20000 AND 40000");
  expect(await reader.verify(never)).toMatchObject({ broken: 20_000 });
});
