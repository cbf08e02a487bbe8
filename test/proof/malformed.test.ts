import { expect, it } from "vitest";
import { proveMalformed } from "../../proof/malformed.ts";

/** A tenth of `npm run proof -- malformed`, from another seed. */
const SIZE = { count: 1_000, seed: 7 };

it("a program that gets a thousand bodies which are no good refuses each, stores nothing of them and lives on", async () => {
  const wrong: string[] = [];
  const verdict = await proveMalformed(SIZE, (line) => wrong.push(line));
  expect(wrong).toEqual([]);
  expect(verdict).toMatchObject({ holds: true, sent: SIZE.count, errors_in_log: 0, strangers: 0 });
}, 120_000);
