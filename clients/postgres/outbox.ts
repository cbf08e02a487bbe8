import type pg from "pg";
import type { DeliveryFate, Said } from "../../core/desk-ports.ts";
import { OpsError } from "../../core/errors.ts";
import type { RunError } from "../../core/run.ts";
import { query } from "./query.ts";
import { WITHDRAWABLE, WITHDRAWN } from "./withdrawn.ts";

interface FateRow {
  readonly status: "scheduled" | "sending" | "sent" | "delivered" | "failed" | "unknown" | "cancelled";
  readonly message_id: string | null;
  readonly error: RunError | null;
}

const SAID: Readonly<Record<FateRow["status"], Said["status"]>> = {
  ...{ scheduled: "waiting", sending: "waiting", sent: "sent", delivered: "sent" },
  ...{ failed: "failed", unknown: "unknown", cancelled: "withdrawn" },
};

const WITHDRAW = `UPDATE deliveries SET ${WITHDRAWN} WHERE delivery_id = $1 AND ${WITHDRAWABLE}`;

/** What becomes of things to be said, on the table `deliveries`. */
export function createDeliveryFate(pool: pg.Pool): DeliveryFate {
  const find = async (delivery_id: string): Promise<Said | null> => {
    const [row] = await query<FateRow>(pool, "SELECT status, message_id, error FROM deliveries WHERE delivery_id = $1", [delivery_id]);
    return row ? { status: SAID[row.status], message_id: row.message_id, error: row.error } : null;
  };
  return {
    async look(delivery_id) {
      const said = await find(delivery_id);
      if (said) return said;
      throw new OpsError("internal", `there is no delivery ${delivery_id}`);
    },
    async withdraw(delivery_id) {
      await query(pool, WITHDRAW, [delivery_id]);
      return find(delivery_id);
    },
  };
}
