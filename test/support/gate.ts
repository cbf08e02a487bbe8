import type { Connection } from "../../clients/postgres/pool.ts";
import { type Program, until } from "../../proof/process.ts";
import { withClient } from "./postgres.ts";

/** A statement at which a program is held: before the row is written. */
export interface Point {
  readonly table: string;
  readonly on: "INSERT" | "UPDATE";
  /** A condition on `NEW` and `OLD`. */
  readonly when?: string;
}

/** An advisory lock that the test holds and the trigger waits for. */
const GATE = 99;

/** Holds a program at an exact point by a trigger in its own database, and kills it there with SIGKILL. @param act what leads it there */
export async function killAt(running: Program, connection: Connection, point: Point, act: () => Promise<unknown>): Promise<void> {
  await withClient(connection, async (gatekeeper) => {
    await gatekeeper.query(`SELECT pg_advisory_lock(${GATE})`);
    await gatekeeper.query(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_lock_shared(${GATE}); PERFORM pg_advisory_unlock_shared(${GATE}); RETURN NEW; END $$`);
    const when = point.when ? `WHEN (${point.when})` : "";
    await gatekeeper.query(`CREATE TRIGGER hold BEFORE ${point.on} ON ${point.table} FOR EACH ROW ${when} EXECUTE FUNCTION hold()`);
    await act();
    const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted";
    await until("the program is held at the point", async () => (await gatekeeper.query(waiting, [GATE])).rowCount === 1);
    await running.kill();
    // The server does not notice a dead client while it waits for a lock; a real crash of the machine would end these as well.
    await gatekeeper.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    const gone =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    await until("its connections are gone", async () => (await gatekeeper.query(gone)).rowCount === 0);
    await gatekeeper.query(`DROP TRIGGER hold ON ${point.table}`);
    await gatekeeper.query("DROP FUNCTION hold");
  });
}
