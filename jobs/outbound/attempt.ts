import { toOpsError } from "../../core/errors.ts";
import type { Channel } from "../../core/ports.ts";
import { type DeliverDeps, deliver } from "./deliver.ts";
import type { FairQueue, Waiting } from "./fair-queue.ts";
import type { Rests } from "./rests.ts";

/** What an attempt to send needs. */
export interface AttemptDeps extends DeliverDeps {
  readonly channel: Channel;
  readonly queue: FairQueue;
  readonly rests: Rests;
  readonly stopping: AbortSignal;
}

/** How long a chat rests when the database is away, and when nothing is to be had there without a reason. */
const AWAY_MS = 1_000;
const MISSED_MS = 100;

/**
 * Claims what is next in the chat of this message, which is booked, and sends it. Never rejects.
 * @returns how long the chat rests, in milliseconds
 */
export async function attempt(deps: AttemptDeps, message: Waiting): Promise<number> {
  const { deliveries, queue, rests, channel, stopping } = deps;
  let claimed: string | undefined;
  try {
    const claim = await deliveries.claim(message.delivery_id);
    if (!claim) return await missed(deps, message);
    claimed = claim.delivery_id;
    queue.remove(claimed);
    const { rest_ms, too_fast } = await deliver(deps, channel, claim, stopping);
    if (too_fast) rests.tooFast(claim.address, rest_ms);
    // It keeps its place in the chat.
    if (rest_ms > 0) queue.addFirst({ ...claim, seen_at: 0 });
    return rest_ms;
  } catch (thrown) {
    return afterTrouble(deps, message, { claimed, thrown });
  } finally {
    deliveries.letGo(claimed ?? message.delivery_id);
  }
}

/** Another process has it, or is sending something else to its chat. */
async function missed({ deliveries, queue }: AttemptDeps, { delivery_id }: Waiting): Promise<number> {
  const found = await deliveries.locate(delivery_id);
  if (!found) queue.remove(delivery_id);
  return found ? Math.max(MISSED_MS, found.rest_ms) : 0;
}

/** While the database is away the message stays where it is; whatever else went wrong, the sweeper brings it back. */
function afterTrouble(
  { queue, log }: AttemptDeps,
  message: Waiting,
  { claimed, thrown }: { readonly claimed: string | undefined; readonly thrown: unknown },
): number {
  const delivery_id = claimed ?? message.delivery_id;
  if (claimed === undefined && toOpsError(thrown).code === "unavailable") {
    log.debug({ err: thrown, delivery_id }, "a message waits for the database");
    return AWAY_MS;
  }
  queue.remove(delivery_id);
  log.warn({ err: thrown, delivery_id }, "a message could not be worked on; the sweeper queues it again");
  return 0;
}
