import { answerTo } from "../core/carry-out.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { OpsError, toOpsError } from "../core/errors.ts";
import { TOO_MANY_LINES } from "../core/policy/limit.ts";
import type { BotAdapter, Intake, Logger } from "../core/ports.ts";
import type { Interpreted, Outcome, Request } from "../core/request.ts";
import { idFrom, type NewDelivery } from "../core/run.ts";
import type { DeliveryStore, InboxEvent, InboxStore } from "../core/stores.ts";
import { backoff } from "./backoff.ts";
import type { Enqueue } from "./enqueue.ts";

/** What the intake needs. */
export interface IntakeDeps {
  readonly inbox: InboxStore;
  readonly deliveries: DeliveryStore;
  readonly enqueueDeliveries: Enqueue;
  readonly dispatch: Dispatch;
  /** Who understands which platform's events. */
  readonly interpreters: () => readonly Pick<BotAdapter, "platform" | "interpret">[];
  readonly log: Logger;
}

/** The intake, with what the sweeper and the process's end need of it. */
export interface StartedIntake extends Intake {
  /** Takes over events that nobody works on. */
  takeOver(): Promise<void>;
  /** Resolves when nothing is being worked on. */
  idle(): Promise<void>;
}

/** Events worked on at once; beyond that the platform is not asked for more. */
const MAX_IN_FLIGHT = 500;
const TAKE_OVER = 100;
/** Events of which nobody knows whether they were stored, that are kept in memory; a batch is at most a hundred. */
const MAX_UNANSWERED = 1_000;
const MINUTE_MS = 60_000;
/** No answer has so many pages. */
const MAX_PAGE = 100_000;
/** After this many tries without a database or queue the person is told, and an event that makes us fail is given up. */
const MAX_TRIES = 20;

/** Stores what comes in, then works on it: those of one chat in their order, those of different chats side by side. */
export function createIntake(deps: IntakeDeps): StartedIntake {
  const inFlight = new Set<Promise<void>>();
  const lanes = new Map<string, Promise<boolean>>();
  const inHand = new Set<string>();
  const state: IntakeState = { ...deps, stranded: new Map(), unanswered: new Map(), isInHand: (request_id) => inHand.has(request_id) };
  const start = (event: InboxEvent) => {
    if (inHand.has(event.request_id)) return;
    inHand.add(event.request_id);
    const lane = laneOf(event);
    const work = (lanes.get(lane) ?? Promise.resolve()).then(() => handle(state, event));
    lanes.set(lane, work);
    // The next of its chat does not wait for the note, which is made together with others'.
    const noted = work.then((worked) => {
      if (lanes.get(lane) === work) lanes.delete(lane);
      return worked ? noteDone(state, event.request_id) : undefined;
    });
    inFlight.add(noted);
    void noted.then(() => {
      inFlight.delete(noted);
      inHand.delete(event.request_id);
    });
  };
  return {
    async receive(events) {
      while (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
      const ours = await deps.inbox.receive(events).catch((thrown: unknown) => {
        remember(state, events);
        throw thrown;
      });
      for (const event of ours) start(event);
    },
    async takeOver() {
      await giveBackStranded(state);
      if (inFlight.size >= MAX_IN_FLIGHT) return;
      for (const event of await storeUnanswered(state)) start(event);
      const platforms = deps.interpreters().map(({ platform }) => platform);
      for (const event of await deps.inbox.takeOver(platforms, TAKE_OVER)) start(event);
    },
    async idle() {
      while (inFlight.size > 0) await Promise.all(inFlight);
    },
  };
}

interface IntakeState extends IntakeDeps {
  /** Events that could not be given back, with the reason: as long as this process lives nobody else may take them. */
  readonly stranded: Map<string, string>;
  /** Events of which nobody knows whether they were stored. */
  readonly unanswered: Map<string, InboxEvent>;
  readonly isInHand: (request_id: string) => boolean;
}

/**
 * Events whose storing failed may be stored all the same, now or in a moment, and as ours. They are not acknowledged, so they come again; but
 * maybe to another process, which finds them there, leaves them to us, and acknowledges them.
 */
function remember({ unanswered, isInHand }: IntakeState, events: readonly InboxEvent[]): void {
  // Those that come when it is full are not under way when the database goes away, but long after.
  for (const event of events) if (unanswered.size < MAX_UNANSWERED && !isInHand(event.request_id)) unanswered.set(event.request_id, event);
}

/**
 * Stores them again, which waits for the end of a storing that is still under way. Where another process has stored them by now they are its own.
 * @returns those that this process is to work on
 * @throws OpsError `unavailable`; then they are asked for again
 */
async function storeUnanswered({ inbox, unanswered, isInHand }: IntakeState): Promise<readonly InboxEvent[]> {
  const some = [...unanswered.values()].filter(({ request_id }) => !isInHand(request_id)).slice(0, TAKE_OVER);
  const stored = await Promise.all(
    some.map(async (event) => {
      const ours = await inbox.receive([event]).catch(async (thrown: unknown) => {
        const { code, message } = toOpsError(thrown);
        if (code === "unavailable") throw thrown;
        // The database will not have it. Were it there since the first time it would be found now; else it comes again.
        await inbox.giveBack(event.request_id, 0, message);
        return [];
      });
      return { event, ours };
    }),
  );
  for (const { event } of stored) unanswered.delete(event.request_id);
  return stored.flatMap(({ ours }) => ours);
}

/** @throws OpsError `unavailable`; then those that are left are given back later */
async function giveBackStranded({ inbox, stranded, isInHand }: IntakeState): Promise<void> {
  for (const [request_id, reason] of stranded) {
    // It came again meanwhile; whether it is to be given back is seen when that is over.
    if (isInHand(request_id)) continue;
    await inbox.giveBack(request_id, 0, reason);
    stranded.delete(request_id);
  }
}

/** What keeps its order: the events that carry the same `lane`, by convention of the adapters the chat's id. */
function laneOf(event: InboxEvent): string {
  const { payload } = event;
  const lane = typeof payload === "object" && payload !== null && "lane" in payload ? String(payload.lane) : event.request_id;
  return `${event.platform}:${lane}`;
}

/** Never rejects: what fails is given back and found by the sweeper. @returns whether it is to be noted as done */
async function handle(deps: IntakeState, event: InboxEvent): Promise<boolean> {
  try {
    const interpreter = deps.interpreters().find(({ platform }) => platform === event.platform);
    if (!interpreter) throw new OpsError("unavailable", `no adapter for ${event.platform} in this process`);
    return await worked(deps, await interpreter.interpret(event));
  } catch (thrown) {
    await tryAgain(deps, event.request_id, thrown);
    return false;
  }
}

/** Never rejects: what cannot be noted is worked on once more, as the same request. */
async function noteDone(deps: IntakeState, request_id: string): Promise<void> {
  await deps.inbox.done(request_id).catch((thrown: unknown) => tryAgain(deps, request_id, thrown));
}

async function tryAgain(deps: IntakeState, request_id: string, thrown: unknown): Promise<void> {
  const tries = await giveBack(deps, request_id, thrown);
  if (tries >= MAX_TRIES && !toOpsError(thrown).retryable) await giveUp(deps, request_id, thrown);
}

/** Does what an event asks for; false when it is to be tried again instead. */
async function worked(deps: IntakeState, asked: Interpreted): Promise<boolean> {
  if (asked === null) return true;
  if (asked.kind === undefined) return answered(deps, asked, await deps.dispatch(asked));
  if (asked.kind === "moved") await deps.deliveries.move(asked);
  // What a button holds comes from outside.
  else if (Number.isInteger(asked.page) && asked.page >= 1 && asked.page <= MAX_PAGE)
    await deps.enqueueDeliveries(await deps.deliveries.turnPage(asked));
  return true;
}

/** An event that makes us fail each time would come back for ever. It stays in the inbox with its error for as long as done ones do. */
async function giveUp(deps: IntakeState, request_id: string, thrown: unknown): Promise<void> {
  deps.log.error({ err: thrown, request_id }, "an event is given up: it failed each time");
  // Else it is tried once more.
  await deps.inbox.done(request_id).catch(() => undefined);
}

/** Stores the answer; false when the request is to be tried again instead. */
async function answered(deps: IntakeState, request: Request, outcome: Outcome): Promise<boolean> {
  // A queued run has its message already.
  if (outcome.kind === "queued") return true;
  if (outcome.kind === "failed" && outcome.error.code === "unavailable") {
    const tries = await giveBack(deps, request.request_id, outcome.error);
    if (tries < MAX_TRIES) return false;
  }
  const delivery = answerTo(refused(request, outcome), null, { reply: outcome.reply, delay_ms: 0 });
  if (delivery) await deps.enqueueDeliveries(await deps.deliveries.insert(onceAMinute(delivery, outcome, request.identity)));
  return true;
}

/** Whoever says too much is told so once a minute: an answer to each line would let anybody fill the outbox. */
function onceAMinute(delivery: NewDelivery, outcome: Outcome, identity: string): NewDelivery {
  if (outcome.kind !== "failed" || !("key" in outcome.error.text) || outcome.error.text.key !== TOO_MANY_LINES) return delivery;
  const { platform, address } = delivery.reply_to;
  return { ...delivery, delivery_id: idFrom(`slow down:${platform}:${address}:${identity}:${Math.floor(Date.now() / MINUTE_MS)}`) };
}

/** A refusal takes no message's place: somebody else's press of a button must not wipe out the question. */
function refused(request: Request, outcome: Outcome): Request {
  if (outcome.kind !== "failed" || request.reply_to === null) return request;
  const { platform, address } = request.reply_to;
  return { ...request, reply_to: { platform, address } };
}

async function giveBack(deps: IntakeState, request_id: string, thrown: unknown): Promise<number> {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  deps.log.warn({ err: thrown, request_id }, "an event could not be worked on; it is tried again");
  try {
    return await deps.inbox.giveBack(request_id, backoff(3), reason);
  } catch {
    // The database is away: the sweeper's next round tries again.
    deps.stranded.set(request_id, reason);
    return 0;
  }
}
