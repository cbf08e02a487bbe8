import { expect, it } from "vitest";
import { PERSON_LIMITS } from "../../core/config-people.ts";
import { limitLines, limitPresses } from "../../core/policy/limit.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEphemeral } from "../support/memory-ephemeral.ts";

it("20 presses a minute are let through, and lines are counted for themselves", async () => {
  const clock = createTestClock();
  const ephemeral = createMemoryEphemeral(clock);
  let presses = 0;
  const press = (speaker: string, request_id = `press ${++presses}`) =>
    limitPresses({ speaker, request_id }, ephemeral, PERSON_LIMITS.lines);
  for (let pressed = 1; pressed <= 20; pressed++) expect(await press("p-1")).toBeNull();
  // One that is delivered again is not one more.
  expect(await press("p-1", "press 20")).toBeNull();
  expect(await press("p-1")).toEqual({ key: "policy.too_many_presses", params: { limit: 20, seconds: 60 } });
  expect(await press("p-2")).toBeNull();
  await limitLines({ speaker: "p-1", request_id: "line 1" }, ephemeral, PERSON_LIMITS.lines);
  clock.passes(60_000);
  expect(await press("p-1")).toBeNull();
});
