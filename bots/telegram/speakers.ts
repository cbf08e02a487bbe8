import type { Update } from "grammy/types";
import type { People } from "../../core/ports.ts";

/** Who speaks: looked up while what they said is being stored, so that one does not wait for the other. */
export interface Speakers extends Pick<People, "find"> {
  /** An update has come, and may be worked on in a moment. */
  expect(update: Update): void;
}

/** What was looked up this long ago, in milliseconds, is looked up again: their role may have been taken from them meanwhile. */
const FRESH_MS = 50;
/** Updates that ask for nothing leave what was looked up for them; beyond so many that is thrown away. */
const MAX = 1_000;

/** Makes it. */
export function createSpeakers(people: Pick<People, "find">): Speakers {
  const expected = new Map<string, { readonly at: number; readonly person: ReturnType<People["find"]> }>();
  return {
    expect({ message, callback_query }) {
      const from = message?.from ?? callback_query?.from;
      if (!from || from.is_bot) return;
      const person = people.find(`telegram:${from.id}`);
      // Whoever asks for it hears of its failure.
      person.catch(() => undefined);
      if (expected.size >= MAX) expected.clear();
      expected.set(`telegram:${from.id}`, { at: performance.now(), person });
    },
    find(identity) {
      const known = expected.get(identity);
      expected.delete(identity);
      return known !== undefined && performance.now() - known.at < FRESH_MS ? known.person : people.find(identity);
    },
  };
}
