import { expect, it } from "vitest";
import { tellingPlatforms } from "../../bin/app/people.ts";
import type { People } from "../../core/ports.ts";
import { breakable } from "../support/breakable.ts";
import { createMemoryPeople } from "../support/memory-people.ts";

it("platforms hear of each role that is changed, and a failure to say so undoes nothing", async () => {
  const told: unknown[] = [];
  const people = breakable<People>(createMemoryPeople());
  const telling = tellingPlatforms(people, [{ roleChanged: (...change) => void told.push(change) }, {}]);
  const by = "telegram:1001";
  await telling.grant("telegram:7", "operator", by);
  await telling.grant("telegram:7", "operator", by);
  people.breaks("find", { error: new Error("away"), times: 1 });
  expect(await telling.revoke("telegram:7", by)).toEqual({ before: "operator", after: null });
  await telling.revoke("telegram:7", by);
  expect(told).toEqual([
    ["telegram:7", { role: "operator", locale: null }],
    ["telegram:7", { role: null, locale: null }],
  ]);
});
