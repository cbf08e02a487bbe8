import { OpsError, toOpsError } from "../../core/errors.ts";
import type { Channel, Ephemeral } from "../../core/ports.ts";
import type { ClaimedDelivery } from "../../core/stores.ts";
import { pause } from "../pause.ts";
import { bookMessage } from "./budgets.ts";
import { type DeliverDeps, deliver } from "./deliver.ts";
import type { FairQueue, Waiting } from "./fair-queue.ts";
import type { Rests } from "./rests.ts";

/** What an attempt to send needs. */
export interface AttemptDeps extends DeliverDeps {
  readonly channel: Channel;
  readonly ephemeral: Pick<Ephemeral, "book" | "shut">;
  readonly queue: FairQueue;
  readonly rests: Rests;
  readonly stopping: AbortSignal;
}

/** How long a chat rests when the database is away, and when nothing is to be had there without a reason. */
const AWAY_MS = 1_000;
const MISSED_MS = 100;
/**
 * Bookings this old, in milliseconds, are made again: platforms count arrivals, and windows are held only a little longer than theirs, those of
 * a chat more than that of the token.
 */
const LATE_MS = { token: 100, chat: 350 };

/**
 * Claims what is next in the chat of this message, which is booked, and sends it. Never rejects.
 * @returns how long the chat rests, in milliseconds
 */
export async function attempt(deps: AttemptDeps, message: Waiting): Promise<number> {
  const { deliveries, queue, rests, channel, stopping } = deps;
  const booked_at = Date.now();
  let claimed: string | undefined;
  try {
    const claim = await deliveries.claim(message.delivery_id);
    if (!claim) return await missed(deps, message);
    claimed = claim.delivery_id;
    queue.remove(claimed);
    await bookAgain(deps, claim, Date.now() - booked_at);
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

/** Waits for the budgets once more where the database has taken its time. */
async function bookAgain({ ephemeral, channel, stopping }: AttemptDeps, claim: ClaimedDelivery, late_ms: number): Promise<void> {
  if (late_ms <= LATE_MS.token) return;
  const late = { budgets: (address: string) => channel.budgets(address).slice(0, late_ms > LATE_MS.chat ? undefined : 1) };
  for (;;) {
    const { token, bulk, chat } = await bookMessage(ephemeral, late, claim);
    const wait_ms = Math.max(token, bulk, chat);
    if (wait_ms === 0) return;
    await pause(wait_ms, stopping);
    if (stopping.aborted) throw new OpsError("unavailable", "the process stops before the message could be sent");
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
