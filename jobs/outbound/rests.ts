import type { Ephemeral } from "../../core/ports.ts";

/** Rests of a whole token, shared by every process that sends with it. */
export interface Rests {
  /** A chat was told that it is too fast. Chats that are told so one after the other mean the token. */
  tooFast(address: string, retry_after_ms: number): void;
  /** How long to wait now, in milliseconds. */
  left(): number;
  /** Looks now and then whether another process was told to rest; rejects never, for the platform tells us as well. */
  look(): Promise<void>;
}

/** A second chat told within this time means the token. */
const TOGETHER_MS = 2_000;
/** How often another process's rest is looked for, and how long it is taken for granted: so no two clocks are compared. */
const LOOK_MS = 1_000;

/** Makes the rests of one token. @param key names it */
export function createRests(ephemeral: Pick<Ephemeral, "put" | "get">, key: string): Rests {
  const name = `rest:${key}`;
  let until = 0;
  let looked = 0;
  let last: { readonly address: string; readonly at: number } | null = null;
  return {
    tooFast(address, retry_after_ms) {
      const now = Date.now();
      const another = last !== null && last.address !== address && now - last.at < TOGETHER_MS;
      last = { address, at: now };
      if (!another) return;
      until = Math.max(until, now + retry_after_ms);
      void ephemeral.put(name, true, retry_after_ms).catch(() => undefined);
    },
    left: () => Math.max(0, until - Date.now()),
    async look() {
      if (Date.now() - looked < LOOK_MS) return;
      looked = Date.now();
      const resting = await ephemeral.get(name).catch(() => undefined);
      if (resting !== undefined) until = Math.max(until, Date.now() + LOOK_MS);
    },
  };
}
