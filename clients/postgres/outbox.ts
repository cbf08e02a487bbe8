import type pg from "pg";
import type { Said } from "../../core/desk-ports.ts";
import { OpsError } from "../../core/errors.ts";
import type { RunError } from "../../core/run.ts";
import type { DeliveryFate } from "../../core/stores.ts";
import { query } from "./query.ts";

interface FateRow {
  readonly status: "scheduled" | "sending" | "sent" | "delivered" | "failed" | "unknown" | "cancelled";
  readonly message_id: string | null;
  readonly error: RunError | null;
}

const SAID: Readonly<Record<FateRow["status"], Said["status"]>> = {
  ...{ scheduled: "waiting", sending: "waiting", sent: "sent", delivered: "sent" },
  ...{ failed: "failed", unknown: "unknown", cancelled: "withdrawn" },
};

/**
 * A first try that the platform put off was not taken. Any other may have been: its connection broke, or its process died, and the next try was
 * to repeat it.
 */
const WITHDRAW = `
  UPDATE deliveries SET claimed_by = NULL,
    status = CASE WHEN attempts = 0 OR (attempts = 1 AND error ->> 'code' IN ('rate_limited', 'unavailable')) THEN 'cancelled' ELSE 'unknown' END
  WHERE delivery_id = $1 AND status = 'scheduled' AND message_id IS NULL`;

/** What becomes of things to be said, on the table `deliveries`. */
export function createDeliveryFate(pool: pg.Pool): DeliveryFate {
  const look = async (delivery_id: string): Promise<Said> => {
    const [row] = await query<FateRow>(pool, "SELECT status, message_id, error FROM deliveries WHERE delivery_id = $1", [delivery_id]);
    if (!row) throw new OpsError("internal", `there is no delivery ${delivery_id}`);
    return { status: SAID[row.status], message_id: row.message_id, error: row.error };
  };
  return {
    look,
    async withdraw(delivery_id) {
      await query(pool, WITHDRAW, [delivery_id]);
      return look(delivery_id);
    },
  };
}
