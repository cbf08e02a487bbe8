import type { Logger } from "../../core/ports.ts";
import { withinDeadline } from "../deadline.ts";
import type { JobStore, Producer } from "./store.ts";

/** The producer, made again when it could not be made ready: BullMQ remembers a failed start for ever. */
export function createProducer<Data>(name: string, store: JobStore<Data>, log: Logger) {
  let ready: Producer<Data> | undefined;
  let starting: Promise<Producer<Data>> | undefined;
  let waiting: Promise<Producer<Data>> | undefined;

  const start = async () => {
    const queue = store.producer();
    // What fails is told to the caller of add; the connections log that they are lost.
    queue.on("error", (error) => log.debug({ err: error, queue: name }, "the producer met an error"));
    try {
      await queue.waitUntilReady();
      ready = queue;
      return queue;
    } catch (error) {
      starting = undefined;
      await queue.close().catch(() => undefined);
      throw error;
    }
  };
  // All callers share one wait, so that an outage at the start piles nothing up.
  const wait = () => {
    starting ??= start();
    const shared = starting;
    waiting ??= withinDeadline(`queue ${name}`, () => shared).finally(() => {
      waiting = undefined;
    });
    return waiting;
  };
  return {
    /** @throws OpsError `unavailable` when the queue does not answer within 2 s */
    async run<T>(work: (queue: Producer<Data>) => Promise<T>): Promise<T> {
      try {
        const queue = ready ?? (await wait());
        return await withinDeadline(`queue ${name}`, () => work(queue));
      } catch (thrown) {
        throw store.toError(thrown);
      }
    },
    async close() {
      await withinDeadline(`queue ${name}`, async () => ready?.close()).catch(() => undefined);
    },
  };
}
