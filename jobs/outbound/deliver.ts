import { toOpsError } from "../../core/errors.ts";
import type { Channel, Logger, SentMessage } from "../../core/ports.ts";
import { plain, type Reply, raw, type Texts } from "../../core/reply.ts";
import { idFrom, type NewDelivery } from "../../core/run.ts";
import type { ClaimedDelivery, DeliveryStore } from "../../core/stores.ts";
import { backoff } from "../backoff.ts";
import type { Enqueue } from "../enqueue.ts";
import { persist } from "../persist.ts";

/** Counts what became of messages. */
export interface GatewayMeter {
  /** `retried`: the platform failed and it is tried again; `limited`: the platform said it was too fast, which is obeyed. */
  count(platform: string, what: "sent" | "failed" | "retried" | "limited"): void;
}

/** What delivering needs. */
export interface DeliverDeps {
  readonly deliveries: DeliveryStore;
  readonly texts: Texts;
  readonly enqueueDeliveries: Enqueue;
  readonly meter: GatewayMeter;
  readonly log: Logger;
}

/** What became of a message: how long its chat rests, in milliseconds, and whether the platform said that it was too fast. */
export interface Delivered {
  readonly rest_ms: number;
  readonly too_fast: boolean;
}

/** A message that could not be sent for a day is of no use any more. */
const MAX_AGE_MS = 86_400_000;
/** The later messages of a chat wait so long for one that the platform fails on, as they do in the store. */
const HELD_MS = 30_000;
const GOES_ON: Delivered = { rest_ms: 0, too_fast: false };

/** Sends one message and stores what became of it. */
export async function deliver(deps: DeliverDeps, channel: Channel, claim: ClaimedDelivery, stopping: AbortSignal): Promise<Delivered> {
  const { deliveries, log, meter } = deps;
  const stored = <T>(work: () => Promise<T>) => persist({ log, stopping }, work);
  const result = await send(deps, channel, claim).catch(toOpsError);
  if ("message_id" in result) {
    await afterSending(deps, claim, result, stored);
    return GOES_ON;
  }
  const { delivery_id, platform } = claim;
  const reason = { code: result.code, text: result.text };
  if (!result.retryable || claim.age_ms > MAX_AGE_MS) {
    const { address, request_id } = claim;
    log.warn({ delivery_id, request_id, platform, address, code: result.code, reason: result.message }, "a message could not be delivered");
    meter.count(platform, "failed");
    await deps.enqueueDeliveries(await stored(() => deliveries.fail(claim, "failed", reason)));
    return GOES_ON;
  }
  const too_fast = result.code === "rate_limited";
  const delay_ms = backoff(claim.attempts, result);
  log.debug({ delivery_id, platform, code: result.code, delay_ms }, "a message is sent again later");
  meter.count(platform, too_fast ? "limited" : "retried");
  await deps.enqueueDeliveries(await stored(() => deliveries.postpone(claim, delay_ms, reason)));
  return { rest_ms: too_fast ? delay_ms : Math.min(delay_ms, Math.max(0, HELD_MS - claim.failing_ms)), too_fast };
}

async function send({ texts }: DeliverDeps, channel: Channel, claim: ClaimedDelivery): Promise<SentMessage> {
  const { delivery_id, page, address, message_id, locale, zone } = claim;
  const shown = isFile(claim.reply) ? claim.reply : withoutFile(claim.reply);
  return channel.send({ delivery_id, page, address, message_id, reply: plain(shown, texts, locale, zone) });
}

async function afterSending(
  { deliveries, enqueueDeliveries, meter }: DeliverDeps,
  claim: ClaimedDelivery,
  { message_id, moved_to }: SentMessage,
  stored: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const { platform, address } = claim;
  meter.count(platform, "sent");
  const file = fileOf(claim, moved_to ?? address);
  // Before the message is done, so that a file is not lost where we die in between.
  const files = file ? await stored(() => deliveries.insert(file)) : [];
  const newer = await stored(() => deliveries.sent(claim, message_id, moved_to));
  // Afterwards, for what is moved loses its message's id. Where we die in between, the platform says it again.
  if (moved_to !== undefined) await stored(() => deliveries.move({ kind: "moved", platform, from: address, to: moved_to }));
  await enqueueDeliveries([...newer, ...files]);
}

/** A file goes as a message of its own, behind the one that it came with. Its id is a hash of that one's, so it is stored once. */
function fileOf(claim: ClaimedDelivery, address: string): NewDelivery | null {
  const { reply, delivery_id, request_id, platform, locale, zone, lane, caused_by } = claim;
  if (!reply.file || isFile(reply)) return null;
  return {
    ...{ delivery_id: idFrom(`file:${delivery_id}`), request_id, run_id: null, reply_to: { platform, address } },
    ...{ locale, zone, lane, caused_by, delay_ms: 0 },
    reply: { tone: reply.tone, title: raw(reply.file.name), file: reply.file },
  };
}

/** Whether it is a file's own message: nothing but its name and itself. */
function isFile({ tone: _tone, title, file, ...more }: Reply): boolean {
  return file !== undefined && "raw" in title && title.raw === file.name && Object.keys(more).length === 0;
}

function withoutFile({ file: _file, ...reply }: Reply): Reply {
  return reply;
}
