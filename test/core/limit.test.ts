import { expect, it } from "vitest";
import { PERSON_LIMITS } from "../../core/config-people.ts";
import type { Call } from "../../core/policy/call.ts";
import { limitLines, limitOpenRuns, limitPresses } from "../../core/policy/limit.ts";
import type { Person, Request } from "../../core/request.ts";
import { idFrom, type RunView } from "../../core/run.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEphemeral } from "../support/memory-ephemeral.ts";
import { testCommand } from "../support/test-commands.ts";

const person: Person = { person_id: "p-1", name: "Kim", role: "operator", locale: null, zone: null };
const queued = testCommand({ execution: { mode: "queued", timeout_ms: 5_000, attempts: 2 } });
const ASKED: Omit<Request, "request_id"> = {
  ...{ identity: "telegram:1", person, reply_to: null, conversation: null, locale: "en", zone: "UTC" },
  ask: { kind: "text", text: "/echo hello" },
};

/** Somebody with this many runs open, one of them that of the request `first`. */
const limited = (open: number, seed: string) => {
  const call: Call = {
    request: { ...ASKED, request_id: seed },
    ...{ person, command: queued, input: {}, confirmed: false, seed },
  };
  const get = async (run_id: string) => (run_id === idFrom("first") ? ({ run_id } as RunView) : null);
  return limitOpenRuns(call, {
    runs: { findOpen: async () => null, countOpen: async () => open },
    ports: { runs: { get } },
    limits: PERSON_LIMITS,
  });
};

it("50 open runs are enough, but a request that comes again is answered as it was before", async () => {
  await limited(49, "new");
  await expect(limited(50, "new")).rejects.toMatchObject({ code: "rate_limited", retryable: true });
  await limited(50, "first");
  await limited(80, "first");
});

it("20 presses a minute are let through, and lines are counted for themselves", async () => {
  const clock = createTestClock();
  const ephemeral = createMemoryEphemeral(clock);
  const press = (speaker: string) => limitPresses(speaker, ephemeral, PERSON_LIMITS.lines);
  for (let presses = 1; presses <= 20; presses++) expect(await press("p-1")).toBeNull();
  expect(await press("p-1")).toEqual({ key: "policy.too_many_presses", params: { limit: 20, seconds: 60 } });
  expect(await press("p-2")).toBeNull();
  await limitLines("p-1", ephemeral, PERSON_LIMITS.lines);
  clock.passes(60_000);
  expect(await press("p-1")).toBeNull();
});
