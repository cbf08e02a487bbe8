import { createHash } from "node:crypto";

/** Chance that is the same again with the same seed. */
export interface Chance {
  /** From `from` to `to`, both included, as whole numbers. */
  between(from: number, to: number): number;
  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[];
}

/** Bytes of a hash that make a number. */
const BYTES = 6;

/** Makes chance of a seed: the numbers are hashes of the seed and of how many were drawn. */
export function createChance(seed: string): Chance {
  let drawn = 0;
  const draw = () => createHash("sha256").update(`${seed}:${drawn++}`).digest().readUIntBE(0, BYTES);
  return {
    between: (from, to) => from + (draw() % (to - from + 1)),
    shuffled: (things) =>
      things
        .map((thing) => ({ thing, place: draw() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ thing }) => thing),
  };
}
