import { z } from "zod";

/** The body of `POST /sandbox/faults`. `method` and `ratio` narrow it, `seed` starts another sequence of chances. */
export const faultSchema = z
  .strictObject({
    target: z.string(),
    /** Answer with this HTTP status instead of acting. */
    status: z.int().min(400).max(599).optional(),
    /** Seconds to name in a 429 or 503. */
    retry_after: z.int().min(0).max(3_600).optional(),
    /** Wait so long first, in milliseconds; alone, the call then goes on as ever. */
    delay_ms: z.int().min(0).max(600_000).optional(),
    /** Act, then cut the connection before the answer. */
    drop: z.boolean().optional(),
    /** How many calls; 0 clears. */
    times: z.int().min(0),
    /** The part of the calls that is hit. */
    ratio: z.number().min(0).max(1).optional(),
    seed: z.int().optional(),
    /** A method of the API (`sendMessage`), or a verb and the beginning of a path (`POST /zones`). */
    method: z.string().min(1).optional(),
  })
  .refine(({ status, drop }) => !(status && drop), { path: ["drop"], message: "give either status or drop: a refused call does not act" })
  .refine(({ times, status, drop, delay_ms }) => times === 0 || status || drop || delay_ms, {
    path: ["status"],
    message: "say what shall go wrong: status, delay_ms or drop",
  });

/** A fault as it was asked for. */
export type Fault = z.output<typeof faultSchema>;

/** The faults that stand. They live in memory: a restarted emulator is healthy. */
export interface Faults {
  /** Adds a fault; with `times: 0` clears those of that target (and method, when it names one). */
  set(fault: Fault): void;
  /** The first fault that hits this call, used up by one; undefined: the call is spared. */
  take(target: string, method: string): Fault | undefined;
  /** What stands, with what is left of it. */
  list(): readonly Fault[];
}

/** Mulberry32: a small generator whose sequence follows from its seed, so a failing test can be run again. */
function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

function matches(fault: Fault, target: string, method: string): boolean {
  if (fault.target !== target) return false;
  if (fault.method === undefined) return true;
  const wanted = fault.method.toLowerCase();
  return wanted.includes(" ") ? method.toLowerCase().startsWith(wanted) : method.toLowerCase() === wanted;
}

/** Makes the list of faults that all emulators of one sandbox share. */
export function createFaults(): Faults {
  let standing: { fault: Fault; left: number; readonly chance: () => number }[] = [];
  return {
    set(fault) {
      if (fault.times > 0) {
        standing.push({ fault, left: fault.times, chance: createChance(fault.seed ?? 1) });
        return;
      }
      const cleared = (other: Fault) => other.target === fault.target && (fault.method === undefined || other.method === fault.method);
      standing = standing.filter((entry) => !cleared(entry.fault));
    },
    take(target, method) {
      const hit = standing.find(
        ({ fault, chance }) => matches(fault, target, method) && (fault.ratio === undefined || chance() < fault.ratio),
      );
      if (!hit) return undefined;
      hit.left -= 1;
      if (hit.left === 0) standing = standing.filter((entry) => entry !== hit);
      return hit.fault;
    },
    list: () => standing.map(({ fault, left }) => ({ ...fault, times: left })),
  };
}
