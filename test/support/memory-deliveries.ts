import type { Reply } from "../../core/reply.ts";
import type { NewDelivery } from "../../core/run.ts";
import { type Job, jobId } from "../../core/stores.ts";
import type { TestClock } from "./clock.ts";

/** Something that stands, or is to stand, in a chat. */
interface Row {
  readonly delivery: NewDelivery;
  reply: Reply;
  version: number;
  said: number;
  due_at: number;
}

/** What is to be said, in memory: said once its time has come, and again when something else is to stand there. */
export interface MemoryDeliveries {
  /** Stores it unless it is there. @returns its job, or none */
  insert(delivery: NewDelivery): Promise<readonly Job[]>;
  /** Puts another answer in the place of a run's message. */
  replace(run_id: string, reply: Reply): readonly Job[];
  /** What is due and not said yet; asked for, it is said. */
  say(): readonly NewDelivery[];
}

/** Makes an empty store of deliveries. */
export function createMemoryDeliveries(clock: TestClock): MemoryDeliveries {
  const rows = new Map<string, Row>();
  const jobOf = ({ delivery, version, due_at }: Row): Job => ({
    id: delivery.delivery_id,
    job_id: jobId(delivery.delivery_id, version),
    delay_ms: Math.max(0, due_at - clock.ms()),
  });
  return {
    async insert(delivery) {
      if (rows.has(delivery.delivery_id)) return [];
      const row: Row = { delivery, reply: delivery.reply, version: 1, said: 0, due_at: clock.ms() + delivery.delay_ms };
      rows.set(delivery.delivery_id, row);
      return [jobOf(row)];
    },
    replace(run_id, reply) {
      const row = [...rows.values()].find(({ delivery }) => delivery.run_id === run_id);
      if (!row) return [];
      Object.assign(row, { reply, version: row.version + 1, due_at: clock.ms() });
      return [jobOf(row)];
    },
    say() {
      const due = [...rows.values()].filter(({ version, said, due_at }) => version > said && due_at <= clock.ms());
      for (const row of due) row.said = row.version;
      return due.map(({ delivery, reply }) => ({ ...delivery, reply }));
    },
  };
}
