import { describe, expect, it } from "vitest";
import { createAuditLog, HASHED } from "../../../clients/postgres/audit.ts";
import { firstBrokenLine } from "../../../clients/postgres/audit-reader.ts";
import { createPool } from "../../../clients/postgres/pool.ts";
import type { AuditEntry } from "../../../core/stores.ts";
import { usePostgres } from "../../support/postgres.ts";
import { openProcess, SILENT } from "../../support/stores.ts";

const postgres = usePostgres();

function aLine(request_id: string, more: Partial<AuditEntry> = {}): AuditEntry {
  const asked = { person_id: "p1", identity: "telegram:1001", action: "ask", command: "cf_block", outcome: "queued" } as const;
  return { ...asked, input: { ip: "203.0.113.7", why: ["b", 1, null] }, request_id, run_id: null, ...more };
}

/** An audit of five lines. */
async function fiveLines() {
  const { pool, rows } = await openProcess(await postgres.database());
  const audit = createAuditLog(pool);
  for (const request_id of ["q1", "q2", "q3", "q4", "q5"]) await audit.append(aLine(request_id));
  return { audit, rows, firstBroken: () => firstBrokenLine(pool) };
}

describe("the audit", () => {
  it("holds together, also when two processes write at once", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    const audits = [createAuditLog(here.pool), createAuditLog(there.pool), createAuditLog(there.pool)];
    const ids = Array.from({ length: 100 }, (_, number) => `q${number}`);
    await Promise.all(ids.map((id, number) => audits[number % audits.length]?.append(aLine(id))));
    const lines = await here.rows<{ seq: string; request_id: string }>("SELECT seq, request_id FROM audit ORDER BY seq");
    expect(lines.map(({ seq }) => Number(seq))).toEqual(ids.map((_, number) => number + 1));
    expect(lines.map(({ request_id }) => request_id).sort()).toEqual([...ids].sort());
    expect(await firstBrokenLine(there.pool)).toBeNull();
  });

  it("holds with any input, or none, and in any time zone", async () => {
    const { audit, rows, firstBroken } = await fiveLines();
    await audit.append(aLine("q6", { input: { words: "a\u0000b \ud800" }, run_id: "r1" }));
    await audit.append(aLine("q7", { input: null, command: null, person_id: null }));
    expect(await rows("SELECT input FROM audit WHERE seq = 6")).toEqual([{ input: { words: "a\ufffdb \ufffd" } }]);
    await rows("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Seoul'); END $$");
    expect(await firstBroken()).toBeNull();
  });

  it("is whole while it is empty", async () => {
    const { pool } = await openProcess(await postgres.database());
    expect(await firstBrokenLine(pool)).toBeNull();
  });

  it("goes on after a line that could not be written", async () => {
    const { audit, rows, firstBroken } = await fiveLines();
    await expect(audit.append(aLine("q\u0000"))).rejects.toThrow();
    await audit.append(aLine("q6"));
    expect(await rows("SELECT 1 FROM audit")).toHaveLength(6);
    expect(await firstBroken()).toBeNull();
  });
});

describe("lines that come at once", () => {
  it("are stored together, in the order in which they came", async () => {
    const { pool, rows } = await openProcess(await postgres.database());
    const audit = createAuditLog(pool);
    const ids = Array.from({ length: 600 }, (_, number) => `q${number}`);
    await Promise.all(ids.map((id) => audit.append(aLine(id))));
    const stored = await rows<{ request_id: string }>("SELECT request_id FROM audit ORDER BY seq");
    expect(stored.map(({ request_id }) => request_id)).toEqual(ids);
    // A transaction leaves its number at the rows that it wrote.
    expect(await rows("SELECT DISTINCT xmin::text FROM audit")).toHaveLength(3);
    expect(await firstBrokenLine(pool)).toBeNull();
  });

  it("are stored but for the one that cannot be", async () => {
    const { audit, rows, firstBroken } = await fiveLines();
    const results = await Promise.allSettled(["q6", "q\u0000", "q7"].map((id) => audit.append(aLine(id))));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await rows("SELECT request_id FROM audit WHERE seq > 5 ORDER BY seq")).toEqual([{ request_id: "q6" }, { request_id: "q7" }]);
    expect(await firstBroken()).toBeNull();
  });

  it("are all refused while the database is away, and stored when they come again", async () => {
    const { pool, rows } = await openProcess(await postgres.database());
    const away = createPool({ host: "/nowhere", port: 5432, user: "x", database: "x" }, { max: 1, application_name: "away", log: SILENT });
    const audit = createAuditLog(away);
    const results = await Promise.allSettled(["q1", "q2"].map((id) => audit.append(aLine(id))));
    expect(results).toMatchObject([{ reason: { code: "unavailable" } }, { reason: { code: "unavailable" } }]);
    await away.end();
    await createAuditLog(pool).append(aLine("q1"));
    expect(await rows("SELECT seq::int FROM audit")).toEqual([{ seq: 1 }]);
  });

  it("go on after those that a process of the release before has put there", async () => {
    const { audit, rows, firstBroken } = await fiveLines();
    await rows(`INSERT INTO audit (seq, at, identity, action, outcome, request_id, previous_hash, hash)
                SELECT 6, at, identity, action, outcome, 'older', hash, '' FROM audit WHERE seq = 5`);
    await rows(`UPDATE audit SET hash = encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex') WHERE seq = 6`);
    await Promise.all(["q7", "q8"].map((id) => audit.append(aLine(id))));
    const last = await rows("SELECT request_id FROM audit WHERE seq > 5 ORDER BY seq");
    expect(last).toEqual([{ request_id: "older" }, { request_id: "q7" }, { request_id: "q8" }]);
    expect(await firstBroken()).toBeNull();
  });

  it("are refused where the head is gone, in words that say what to do", async () => {
    const { audit, rows } = await fiveLines();
    await rows("DELETE FROM audit_head");
    await expect(audit.append(aLine("q6"))).rejects.toThrow("put the row of audit_head back");
    expect(await rows("SELECT 1 FROM audit")).toHaveLength(5);
  });
});

describe("a hand in the audit is found", () => {
  it("that cuts off the last lines, or all of them", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows("DELETE FROM audit WHERE seq > 3");
    expect(await firstBroken()).toBe(4);
    await rows("DELETE FROM audit");
    expect(await firstBroken()).toBe(1);
  });

  it("that writes the last line anew, with the right hash", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows("UPDATE audit SET outcome = 'failed' WHERE seq = 5");
    await rows(`UPDATE audit SET hash = encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex') WHERE seq = 5`);
    expect(await firstBroken()).toBe(5);
  });

  it("that puts a line behind the last", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows(`INSERT INTO audit (seq, at, identity, action, outcome, request_id, previous_hash, hash)
                SELECT 6, at, identity, action, outcome, 'forged', hash, repeat('a', 64) FROM audit WHERE seq = 5`);
    expect(await firstBroken()).toBe(6);
  });

  it("that changes or removes the head", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows("UPDATE audit_head SET hash = repeat('a', 64)");
    expect(await firstBroken()).toBe(5);
    await rows("DELETE FROM audit_head");
    expect(await firstBroken()).toBe(6);
  });

  it.each([
    ["outcome = 'failed'"],
    ["input = '{}'"],
    ["person_id = NULL"],
    ["at = at + interval '1 hour'"],
    ["identity = 'telegram:1002'"],
    ["run_id = 'r9'"],
    ["hash = repeat('0', 64)"],
    ["previous_hash = ''"],
  ])("that edits a line: %s", async (change) => {
    const { rows, firstBroken } = await fiveLines();
    await rows(`UPDATE audit SET ${change} WHERE seq = 3`);
    expect(await firstBroken()).toBe(3);
  });

  it.each([1, 3])("that removes line %i", async (seq) => {
    const { rows, firstBroken } = await fiveLines();
    await rows("DELETE FROM audit WHERE seq = $1", seq);
    expect(await firstBroken()).toBe(seq + 1);
  });

  it("that removes a line and closes the gap", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows("DELETE FROM audit WHERE seq = 3");
    await rows("UPDATE audit SET seq = 3 WHERE seq = 4");
    await rows("UPDATE audit SET seq = 4 WHERE seq = 5");
    expect(await firstBroken()).toBe(3);
  });

  it("that inserts a line", async () => {
    const { rows, firstBroken } = await fiveLines();
    await rows("UPDATE audit SET seq = 6 WHERE seq = 5");
    await rows("UPDATE audit SET seq = 5 WHERE seq = 4");
    await rows(`INSERT INTO audit (seq, at, identity, action, outcome, request_id, previous_hash, hash)
                SELECT 4, at, identity, action, outcome, 'forged', hash, repeat('a', 64) FROM audit WHERE seq = 3`);
    expect(await firstBroken()).toBe(4);
  });
});
