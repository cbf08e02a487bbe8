import type { Topic } from "../../core/ports.ts";
import { createListeners, encodeMessage } from "../postgres/topic.ts";
import { connectRedis, type RedisUser } from "./connection.ts";

/** Where and for whom. */
export interface RedisTopicDeps extends Omit<RedisUser, "part"> {
  readonly url: string;
}

const PREFIX = "switchboard:topic:";

/**
 * Publish and subscribe over Redis, one channel for each id, on two connections of its own. What is published while the listening
 * connection is broken does not arrive. `publish` throws `too_large` over 7,500 bytes, as on PostgreSQL; both methods throw
 * `unavailable` within 2 s when Redis is away.
 */
export function createRedisTopic({ url, log }: RedisTopicDeps): Topic {
  const listeners = createListeners(log);
  const publisher = connectRedis(url, { part: "topic publisher", log });
  const subscriber = connectRedis(url, { part: "topic subscriber", log });
  subscriber.client.on("message", (channel: string, message: string) => listeners.tell(channel.slice(PREFIX.length), message));
  subscriber.client.on("ready", () => {
    const channels = listeners.ids().map((id) => PREFIX + id);
    if (channels.length === 0) return;
    // A renewal that fails must not leave a connection that hears nothing: the next one renews again.
    subscriber.client.subscribe(...channels).catch(() => subscriber.client.disconnect(true));
  });
  const leave = async (id: string, listener: (message: string) => void) => {
    listeners.remove(id, listener);
    // While Redis is away nothing is to be done: only ids with listeners are subscribed to again.
    if (!listeners.has(id)) await subscriber.run((client) => client.unsubscribe(PREFIX + id)).catch(() => undefined);
  };
  return {
    async publish(id, message) {
      encodeMessage(id, message);
      await publisher.run((client) => client.publish(PREFIX + id, message));
    },
    async subscribe(id, listener) {
      const own = (message: string) => listener(message);
      listeners.add(id, own);
      try {
        await subscriber.run((client) => client.subscribe(PREFIX + id));
      } catch (thrown) {
        listeners.remove(id, own);
        throw thrown;
      }
      return () => leave(id, own);
    },
    async close() {
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  };
}
