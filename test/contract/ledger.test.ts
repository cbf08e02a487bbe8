import { afterEach } from "vitest";
import { createLedger } from "../../clients/postgres/blocks.ts";
import { createPool, type Pool } from "../../clients/postgres/pool.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryLedger, type LedgerRun } from "../support/memory-ledger.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { describeLedger } from "./ledger.contract.ts";

describeLedger("the ledger in memory, which tests of commands use", async () => {
  const clock = createTestClock();
  const runs = new Map<string, LedgerRun>();
  return {
    ledger: createMemoryLedger(clock, async (run_id) => runs.get(run_id) ?? null),
    passes: async (ms) => clock.passes(ms),
    opens: async (run_id) => void runs.set(run_id, { created_at: clock.now().toISOString(), finished_at: null }),
  };
});

const postgres = usePostgres();
const pools: Pool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.end())));

describeLedger("the ledger on PostgreSQL", async () => {
  const pool = createPool(await postgres.database(), { max: 8, application_name: "ledger test", log: createMemoryLog() });
  pools.push(pool);
  return {
    ledger: createLedger(pool),
    async passes(ms) {
      // The clock is the database's: what is kept moves instead.
      const back = `- $1::float8 * interval '1 millisecond'`;
      await pool.query(`UPDATE blocks SET due_at = due_at ${back}, expires_at = expires_at ${back}, blocked_at = blocked_at ${back}`, [ms]);
      await pool.query(`UPDATE runs SET created_at = created_at ${back}`, [ms]);
    },
    async opens(run_id) {
      const columns = "(run_id, request_id, command, input, person_id, identity, locale, zone)";
      await pool.query(`INSERT INTO runs ${columns} VALUES ($1, $1, 'cf_block', '{}', 'p-2', 'telegram:1002', 'en', 'UTC')`, [run_id]);
    },
  };
});
