import { createHash } from "node:crypto";
import type { Rate } from "../../core/config.ts";
import type { EdgeLane } from "../../core/edge.ts";
import type { Budget, Ephemeral } from "../../core/ports.ts";
import type { PaceBudget } from "./pace.ts";

/**
 * What is booked in time may arrive late, and Cloudflare counts arrivals: two calls booked one window apart must not arrive closer.
 * So the window is held a little longer than it is, in milliseconds.
 */
const LATENESS_MS = 500;
/** So much of the hash names a token: enough that no two tokens meet, and nothing of it can be found out. */
const NAME_CHARS = 16;

/** The shares of the budget that work nobody waits for may use up, each within the one before it. */
const SHARES = [
  { name: "patient", part: 0.8, lanes: ["bulk", "background"] },
  { name: "background", part: 0.5, lanes: ["background"] },
] as const satisfies readonly { name: string; part: number; lanes: readonly EdgeLane[] }[];

/**
 * The budgets that one call in a lane is counted against, all at once. Interactive work may use all of it; bulk and background work
 * together at most 80 %, background work at most 50 %: so a fifth is always left for somebody who waits.
 * @param token the budget is the token's, whatever the zones; only a hash of it gets into a key
 */
export function cloudflareBudgets(token: string, { limit, window_ms }: Rate, lane: EdgeLane): readonly Budget[] {
  const key = keyOf(token);
  const window = { window_ms: window_ms + LATENESS_MS };
  const shares = SHARES.filter(({ lanes }) => lanes.some((each) => each === lane));
  const parts = shares.map(({ name, part }) => ({ key: `${key}:${name}`, limit: Math.max(1, Math.floor(limit * part)), ...window }));
  return [{ key, limit, ...window, closable: true }, ...parts];
}

/** What `createCloudflareEdge` books its calls with, counted over all processes, and closes to all of them when it is told to wait. */
export function cloudflareBudget(ephemeral: Pick<Ephemeral, "reserve" | "shut">, token: string, rate: Rate): PaceBudget {
  const of = (lane: EdgeLane) => cloudflareBudgets(token, rate, lane);
  const budgets = { interactive: of("interactive"), bulk: of("bulk"), background: of("background") };
  return { reserve: (lane) => ephemeral.reserve(budgets[lane]), shut: (for_ms) => ephemeral.shut(keyOf(token), for_ms) };
}

function keyOf(token: string): string {
  return `cloudflare:${createHash("sha256").update(token).digest("hex").slice(0, NAME_CHARS)}`;
}
