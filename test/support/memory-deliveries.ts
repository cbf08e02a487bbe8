import type { DeliveryFate, Said } from "../../core/desk-ports.ts";
import type { Reply } from "../../core/reply.ts";
import type { NewDelivery, RunError } from "../../core/run.ts";
import { type Job, jobId } from "../../core/stores.ts";
import type { TestClock } from "./clock.ts";

/** Something that stands, or is to stand, in a chat. */
interface Row {
  readonly delivery: NewDelivery;
  /** What became of it, where that is not what `said` says. */
  fate: Said | null;
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
  /** The platform refuses everything to this address, for this reason; null: it is away, so that all of it waits. */
  refuses(address: string, error: RunError | null): void;
  readonly fate: DeliveryFate;
  /** All there are, said or not. */
  all(): readonly NewDelivery[];
}

const WAITING: Said = { status: "waiting", message_id: null, error: null };

/** Makes an empty store of deliveries. */
export function createMemoryDeliveries(clock: TestClock): MemoryDeliveries {
  const rows = new Map<string, Row>();
  const refused = new Map<string, RunError | null>();
  const look = async (delivery_id: string): Promise<Said> => {
    const row = rows.get(delivery_id);
    if (!row) throw new Error(`there is no delivery ${delivery_id}`);
    const error = refused.get(row.delivery.reply_to.address);
    if (row.fate) return row.fate;
    if (error === undefined) return { status: "sent", message_id: "1", error: null };
    return error ? { status: "failed", message_id: null, error } : WAITING;
  };
  const jobOf = ({ delivery, version, due_at }: Row): Job => ({
    id: delivery.delivery_id,
    job_id: jobId(delivery.delivery_id, version),
    delay_ms: Math.max(0, due_at - clock.ms()),
  });
  return {
    async insert(delivery) {
      if (rows.has(delivery.delivery_id)) return [];
      const row: Row = { delivery, fate: null, reply: delivery.reply, version: 1, said: 0, due_at: clock.ms() + delivery.delay_ms };
      rows.set(delivery.delivery_id, row);
      return [jobOf(row)];
    },
    replace(run_id, reply) {
      const row = [...rows.values()].find(({ delivery }) => delivery.run_id === run_id);
      if (!row) return [];
      Object.assign(row, { reply, version: row.version + 1, due_at: clock.ms() });
      return [jobOf(row)];
    },
    all: () => [...rows.values()].map(({ delivery }) => delivery),
    refuses: (address, error) => void refused.set(address, error),
    fate: {
      look,
      async withdraw(delivery_id) {
        const row = rows.get(delivery_id);
        if (row && (await look(delivery_id)).status === "waiting") row.fate = { ...WAITING, status: "withdrawn" };
        return row ? look(delivery_id) : null;
      },
    },
    say() {
      const goes = ({ delivery, fate }: Row) => !fate && !refused.has(delivery.reply_to.address);
      const due = [...rows.values()].filter((row) => goes(row) && row.version > row.said && row.due_at <= clock.ms());
      for (const row of due) row.said = row.version;
      return due.map(({ delivery, reply }) => ({ ...delivery, reply }));
    },
  };
}
