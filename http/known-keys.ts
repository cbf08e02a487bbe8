import { createHash } from "node:crypto";
import { toOpsError } from "../core/errors.ts";
import type { Caller } from "./deps.ts";

/** Looks up who holds a key. */
type FindKey = (presented: string) => Promise<Caller | null>;

/** What is known of a key, and since when. */
interface Known {
  caller: Caller | null;
  at: number;
  asking: boolean;
}

/** So long a key is believed without asking again, in milliseconds; with what http/auth.ts adds, a revoked one is refused after a second. */
const FRESH_MS = 500;
/** So long it is believed while the database does not answer. */
const STALE_MS = 300_000;
/** How long an answer is waited for where an older one is known, in milliseconds. */
const WAIT_MS = 100;
/** Keys remembered; whoever guesses keys must not fill the memory. */
const MAX = 1_000;

/**
 * Remembers who holds which key for a second, for those who call thousands of times in it; and while the database is away for up to five minutes,
 * for events are taken then, too. Keys are not held, only their hashes.
 */
export function rememberKeys(findKey: FindKey): FindKey {
  const known = new Map<string, Known>();
  const ask = async (presented: string, hash: string): Promise<Caller | null> => {
    const caller = await findKey(presented);
    known.delete(hash);
    // Of a key that nobody holds nothing is remembered: it may be made in the next moment.
    if (caller) known.set(hash, { caller, at: performance.now(), asking: false });
    if (known.size > MAX) known.delete(known.keys().next().value ?? "");
    return caller;
  };
  return async (presented) => {
    const hash = createHash("sha256").update(presented).digest("base64");
    const before = known.get(hash);
    const age_ms = before ? performance.now() - before.at : Number.POSITIVE_INFINITY;
    if (before && (age_ms < FRESH_MS || (before.asking && age_ms < STALE_MS))) return before.caller;
    if (!before || age_ms >= STALE_MS) return ask(presented, hash);
    before.asking = true;
    return orElse(ask(presented, hash), before);
  };
}

/** The answer; where it does not come soon, or the database is away, what was known before. */
async function orElse(asked: Promise<Caller | null>, before: Known): Promise<Caller | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Caller | null>((resolve) => {
    timer = setTimeout(() => resolve(before.caller), WAIT_MS);
  });
  const answer = asked
    .catch((thrown: unknown) => {
      if (toOpsError(thrown).code !== "unavailable") throw thrown;
      return before.caller;
    })
    .finally(() => {
      before.asking = false;
    });
  // Nobody listens to it when it is late.
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
