import type pg from "pg";
import type { AddressMove } from "../../core/request.ts";
import { withTransaction } from "./pool.ts";
import { firstLook } from "./sweepable.ts";

// Moves are rare, and each is worked out against all others; readers do not wait for it.
const LOCK = "LOCK TABLE moved_addresses IN SHARE ROW EXCLUSIVE MODE";
// A destination that has itself moved on is followed. One that moved to where we come from is a circle: the newest move is right, so the
// older one is forgotten.
const DESTINATION = `
  WITH onward AS (SELECT moved_to FROM moved_addresses WHERE platform = $1 AND address = $3),
  circle AS (DELETE FROM moved_addresses WHERE platform = $1 AND address = $3 AND moved_to = $2)
  SELECT coalesce((SELECT moved_to FROM onward WHERE moved_to <> $2), $4) AS moved_to`;
const STORE = `
  WITH chain AS (UPDATE moved_addresses SET moved_to = $3 WHERE platform = $1 AND moved_to = $2 AND address <> $3)
  INSERT INTO moved_addresses (platform, address, moved_to) VALUES ($1, $2, $3)
  ON CONFLICT (platform, address) DO UPDATE SET moved_to = excluded.moved_to, moved_at = now()`;
// Also what has been said of runs that have not ended: their answer is to go to the new address, where nothing stands yet.
const REDIRECT = `
  UPDATE deliveries SET address = $3, message_id = NULL, sweep_at = least(sweep_at, ${firstLook("now()")})
  WHERE platform = $1 AND split_part(address, ':', 1) = $2 AND address <> $3
    AND (status IN ('scheduled', 'sending') OR run_id IN (SELECT run_id FROM runs WHERE finished_at IS NULL))`;

/** A chat's own id, without that of a topic in it (`-100123:42`). */
const chatOf = (address: string) => address.split(":", 1)[0] ?? address;

/**
 * Stores that a chat has another address, and sends there what waits. Topics move with their chat; in the new one they do not exist, so
 * what was for a topic goes to the address as it is given. No `moved_to` ever has a row of its own, so readers follow one step.
 */
export async function moveAddress(pool: pg.Pool, { platform, from, to }: AddressMove): Promise<void> {
  const chat = chatOf(from);
  if (chat === chatOf(to)) return;
  await withTransaction(pool, async (client) => {
    await client.query(LOCK);
    const { rows } = await client.query<{ moved_to: string }>(DESTINATION, [platform, chat, chatOf(to), to]);
    const moved_to = rows[0]?.moved_to ?? to;
    await client.query(STORE, [platform, chat, moved_to]);
    await client.query(REDIRECT, [platform, chat, moved_to]);
  });
}
