import type { Ephemeral } from "../../core/ports.ts";

/** Rests of a whole token, shared by every process that sends with it. */
export interface Rests {
  /** A chat was told that it is too fast. Chats that are told so one after the other mean the token. */
  tooFast(address: string, retry_after_ms: number): void;
  /** How long this process was told to wait, in milliseconds; what others were told is found by booking. */
  left(): number;
}

/** A second chat told within this time means the token. */
const TOGETHER_MS = 2_000;

/** Makes the rests of one token. @param key names its budget, which nobody can book against meanwhile */
export function createRests(ephemeral: Pick<Ephemeral, "shut">, key: string): Rests {
  let until = 0;
  let last: { readonly address: string; readonly at: number } | null = null;
  return {
    tooFast(address, retry_after_ms) {
      const now = Date.now();
      const another = last !== null && last.address !== address && now - last.at < TOGETHER_MS;
      last = { address, at: now };
      if (!another) return;
      until = Math.max(until, now + retry_after_ms);
      // Where that fails the others are told by the platform, as we were.
      void ephemeral.shut(key, retry_after_ms).catch(() => undefined);
    },
    left: () => Math.max(0, until - Date.now()),
  };
}
