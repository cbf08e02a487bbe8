import { afterEach } from "vitest";
import { createEventWriter } from "../../clients/postgres/event-writer.ts";
import { createEventStore } from "../../clients/postgres/events.ts";
import { createPool, type Pool } from "../../clients/postgres/pool.ts";
import { createEvents } from "../../jobs/events/events.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEventQueue } from "../support/memory-event-queue.ts";
import { createMemoryEvents } from "../support/memory-events.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { describeEvents, type EventsUnderTest } from "./events.contract.ts";
import { describeFailedEvents } from "./failed-events.contract.ts";

async function openMemory(): Promise<EventsUnderTest> {
  const clock = createTestClock();
  const { refusals, ...memory } = createMemoryEvents(clock);
  return {
    ...memory,
    refuses: async (event_id, reason) => void (reason === null ? refusals.delete(event_id) : refusals.set(event_id, reason)),
    async failedAtOnce(ago_ms) {
      const failed_at = new Date(clock.ms() - ago_ms).toISOString().replace("Z", "000Z");
      for (const [id, failure] of memory.failures) if (failure.failed_at > failed_at) memory.failures.set(id, { ...failure, failed_at });
    },
  };
}

const postgres = usePostgres();
const pools: Pool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.end())));

/** What the table refuses is refused by the table, as a constraint would. */
const REFUSING = `CREATE TABLE refused (event_id text PRIMARY KEY, reason text);
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE why text; BEGIN
    SELECT reason INTO why FROM refused WHERE event_id = NEW.event_id;
    IF found THEN RAISE EXCEPTION '%', why; END IF;
    RETURN NEW; END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()`;

async function openPostgres(): Promise<EventsUnderTest> {
  const pool = createPool(await postgres.database(), { max: 8, application_name: "events test", log: createMemoryLog() });
  pools.push(pool);
  await pool.query(REFUSING);
  const { queue, ...hands } = createMemoryEventQueue(createEventWriter(pool));
  return {
    ...hands,
    events: createEvents({ tables: createEventStore(pool, pool), queue }),
    async refuses(event_id, reason) {
      await pool.query("DELETE FROM refused WHERE event_id = $1", [event_id]);
      if (reason !== null) await pool.query("INSERT INTO refused VALUES ($1, $2)", [event_id, reason]);
    },
    async failedAtOnce(ago_ms) {
      const moment = "date_trunc('minute', now()) - $1::float8 * interval '1 millisecond'";
      await pool.query(`UPDATE failed_events SET failed_at = ${moment} WHERE failed_at > ${moment}`, [ago_ms]);
    },
  };
}

describeEvents("events in memory, which tests of commands use", openMemory);
describeEvents("events on PostgreSQL", openPostgres);
describeFailedEvents("failed events in memory, which tests of commands use", openMemory);
describeFailedEvents("failed events on PostgreSQL", openPostgres);
