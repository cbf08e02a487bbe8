import { toOpsError } from "../../core/errors.ts";
import type { Channel, Ephemeral, Logger } from "../../core/ports.ts";
import { plain, type Texts } from "../../core/reply.ts";
import type { ClaimedDelivery, DeliveryStore } from "../../core/stores.ts";
import { backoff } from "../backoff.ts";
import type { Enqueue } from "../enqueue.ts";
import { pause } from "../pause.ts";
import { persist } from "../persist.ts";

/** What the gateway needs. */
export interface GatewayDeps {
  readonly deliveries: DeliveryStore;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly ephemeral: Ephemeral;
  readonly texts: Texts;
  readonly enqueueDeliveries: Enqueue;
  readonly log: Logger;
}

/** The one way out for every message. */
export interface Gateway {
  /** The handler of the queue `deliveries`: puts a message into its chat's lane. It is sent when the budgets allow it. */
  admit(delivery_id: string): Promise<void>;
  /** Finishes what is being sent and sends no more; the rest is found by the sweeper. */
  stop(): Promise<void>;
}

/** A message that could not be sent for a day is of no use any more. */
const MAX_AGE_MS = 86_400_000;
/** How long a lane rests when the database is away. */
const AWAY_MS = 1_000;

/**
 * One lane a chat, in order (but for a message that the platform failed on, which comes back later); the lanes side by side. A message is claimed only when its budgets (the token's, the chat's) are booked, so that
 * a "running" message whose run has ended meanwhile is never sent: its answer is.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const lanes = new Map<string, { readonly ids: Set<string>; readonly done: Promise<void> }>();
  const stopping = new AbortController();
  return {
    async admit(delivery_id) {
      const where = await deps.deliveries.locate(delivery_id);
      const channel = where && deps.channels.get(where.platform);
      if (!channel || stopping.signal.aborted) return;
      const key = `${where.platform}:${where.address}`;
      const lane = lanes.get(key);
      if (lane) {
        lane.ids.add(delivery_id);
        return;
      }
      const ids = new Set([delivery_id]);
      const leave = () => lanes.delete(key);
      lanes.set(key, { ids, done: drain(deps, { channel, address: where.address, ids, leave }, stopping.signal) });
    },
    async stop() {
      stopping.abort();
      await Promise.all([...lanes.values()].map((lane) => lane.done));
    },
  };
}

interface Lane {
  readonly channel: Channel;
  readonly address: string;
  readonly ids: Set<string>;
  /** Takes the lane away; in the same step in which it was found empty, so that nothing is put into a lane that has ended. */
  readonly leave: () => void;
}

interface Next {
  readonly id: string;
  readonly stopping: AbortSignal;
}

/** Never rejects. A lane ends only where it is empty or the process stops. */
async function drain(deps: GatewayDeps, lane: Lane, stopping: AbortSignal): Promise<void> {
  const { ids, leave } = lane;
  for (let [id] = ids; id !== undefined && !stopping.aborted; [id] = ids) {
    try {
      await sendNext(deps, lane, { id, stopping });
    } catch (thrown) {
      ids.delete(id);
      await afterTrouble(deps, ids, { id, stopping }, thrown);
    } finally {
      deps.deliveries.letGo(id);
    }
  }
  leave();
}

async function sendNext(deps: GatewayDeps, lane: Lane, { id, stopping }: Next): Promise<void> {
  if (!(await booked(deps, lane, { id, stopping }))) return;
  lane.ids.delete(id);
  const claim = await deps.deliveries.claim(id);
  const rest_ms = claim ? await deliver(deps, lane.channel, claim, stopping) : 0;
  if (rest_ms > 0) putFirst(lane.ids, id);
  await pause(rest_ms, stopping);
}

/** Waits for the budgets of one message; false when the process stops, or another process has it meanwhile: then nothing is booked for it. */
async function booked({ ephemeral, deliveries }: GatewayDeps, lane: Lane, { id, stopping }: Next): Promise<boolean> {
  while (!stopping.aborted) {
    if (!(await deliveries.locate(id))) {
      lane.ids.delete(id);
      return false;
    }
    const wait_ms = await ephemeral.reserve(lane.channel.budgets(lane.address));
    if (wait_ms === 0) return !stopping.aborted;
    await pause(wait_ms, stopping);
  }
  return false;
}

/** While the database is away the message stays where it is; whatever else went wrong, the sweeper brings it back. */
async function afterTrouble({ log }: GatewayDeps, ids: Set<string>, { id, stopping }: Next, thrown: unknown): Promise<void> {
  if (toOpsError(thrown).code !== "unavailable") {
    log.warn({ err: thrown, delivery_id: id }, "a message could not be worked on; the sweeper queues it again");
    return;
  }
  log.debug({ err: thrown, delivery_id: id }, "a message waits for the database");
  putFirst(ids, id);
  await pause(AWAY_MS, stopping);
}

/** What the platform did not take yet keeps its place in the chat. */
function putFirst(ids: Set<string>, id: string): void {
  const others = [...ids];
  ids.clear();
  for (const one of [id, ...others]) ids.add(one);
}

/** Sends one message and stores what became of it. @returns how long the lane is to rest, in milliseconds */
async function deliver(deps: GatewayDeps, channel: Channel, claim: ClaimedDelivery, stopping: AbortSignal): Promise<number> {
  const { deliveries, log } = deps;
  const stored = <T>(work: () => Promise<T>) => persist({ log, stopping }, work);
  const result = await send(deps, channel, claim).catch(toOpsError);
  if (typeof result === "string") {
    await deps.enqueueDeliveries(await stored(() => deliveries.sent(claim, result)));
    return 0;
  }
  const { delivery_id, platform } = claim;
  const reason = { code: result.code, text: result.text };
  if (!result.retryable || claim.age_ms > MAX_AGE_MS) {
    log.warn({ delivery_id, platform, code: result.code, reason: result.message }, "a message could not be delivered");
    await deps.enqueueDeliveries(await stored(() => deliveries.fail(claim, "failed", reason)));
    return 0;
  }
  const delay_ms = backoff(claim.attempts, result);
  log.debug({ delivery_id, platform, code: result.code, delay_ms }, "a message is sent again later");
  await deps.enqueueDeliveries(await stored(() => deliveries.postpone(claim, delay_ms, reason)));
  return result.code === "rate_limited" ? delay_ms : 0;
}

async function send({ texts }: GatewayDeps, channel: Channel, claim: ClaimedDelivery): Promise<string> {
  const reply = plain(claim.reply, texts, claim.locale, claim.zone);
  const { delivery_id, address, message_id } = claim;
  return (await channel.send({ delivery_id, page: 1, address, message_id, reply })).message_id;
}
