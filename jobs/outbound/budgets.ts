import type { Budget, Channel, Ephemeral } from "../../core/ports.ts";
import type { DeliveryLane } from "../../core/run.ts";

/** What bulk messages may use of the budget that all addresses share, so that an answer mostly finds room at once. */
const BULK_PART = 0.8;

/** What one message waits for, in milliseconds; it is booked when all are 0. */
export interface Waits {
  /** For the budget of the token. */
  readonly token: number;
  /** For the part of it that bulk messages have. */
  readonly bulk: number;
  readonly chat: number;
}

/** Books one message, in every process's budgets. */
export async function bookMessage(
  ephemeral: Pick<Ephemeral, "book">,
  channel: Pick<Channel, "budgets">,
  { address, lane }: { readonly address: string; readonly lane: DeliveryLane },
): Promise<Waits> {
  // The token's comes first; it is closed while the token rests.
  const budgets = channel.budgets(address).map((budget, at) => (at === 0 ? { ...budget, closable: true } : budget));
  const bulk = lane === "bulk" ? budgets.slice(0, 1).map(bulkPart) : [];
  const waits = await ephemeral.book([...budgets, ...bulk]);
  const [token = 0, ...chat] = waits.slice(0, budgets.length);
  return { token, bulk: Math.max(0, ...waits.slice(budgets.length)), chat: Math.max(0, ...chat) };
}

function bulkPart({ key, limit, window_ms }: Budget): Budget {
  return { key: `${key}:bulk`, limit: Math.max(1, Math.floor(limit * BULK_PART)), window_ms };
}

/** Names what all processes that use a token's budget share. */
export function tokenKey(channel: Pick<Channel, "platform" | "budgets">): string {
  return channel.budgets("")[0]?.key ?? channel.platform;
}
