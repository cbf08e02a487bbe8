import { describe, expect, it } from "vitest";
import { createTestDesk } from "../support/conversation.ts";

const IP = "203.0.113.7";

/** An operator whose request is stored, and nobody works on it yet. */
async function waiting(line: string) {
  const desk = createTestDesk();
  const op = desk.person("telegram:1002", "operator");
  desk.workers.on = false;
  const outcome = await op.says(line);
  desk.workers.on = true;
  const run_id = outcome.kind === "queued" ? outcome.run_id : "";
  /** The sweeper finds what a dead process had claimed. */
  const sweeps = async () => {
    await desk.queue.add(await desk.runs.takeOver());
    await desk.works();
  };
  return { ...desk, op, run_id, sweeps };
}

describe("a process that was killed", () => {
  it("before it did anything: another does it", async () => {
    const { runs, run_id, edge, op, sweeps } = await waiting(`/block ${IP}`);
    await runs.claim(run_id);
    await sweeps();
    op.hears(`${IP} is blocked`);
    expect(edge.rules).toHaveLength(1);
    // The try that died is not counted against the command's eight.
    expect(await runs.get(run_id)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("after it made the rule: the rule is known as this run's", async () => {
    const { runs, run_id, edge, op, sweeps } = await waiting(`/block ${IP}`);
    await runs.claim(run_id);
    edge.hasRule(IP, `Switchboard ${run_id} by telegram:1002`);
    await sweeps();
    op.hears(/^203\.0\.113\.7 is blocked\nRule: rule-1\nUndo: /);
    expect(edge.rules).toHaveLength(1);
  });

  it("after it had extended another's block, which somebody released: it stays released", async () => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    await op.says(`/block ${IP} --for 1h`);
    await desk.passes(1_000);
    desk.edge.breaks("get", { times: 1 });
    await op.says(`/block ${IP} --for 5h`);
    expect(desk.ledger.blocks).toMatchObject([{ state: "blocked", expires_at: "2026-11-22T14:00:01.000Z" }]);
    desk.clock.passes(1);
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is released`);
    await desk.passes(60_000);
    op.hears(`${IP} was released by somebody while it was being blocked`);
    expect([desk.edge.rules, desk.ledger.blocks.map(({ state }) => state)]).toEqual([[], ["released"]]);
    await op.says(`/block ${IP}`);
    op.hears(`${IP} is blocked`);
  });

  it("after it deleted the rule: the address is not blocked, and nothing is offered that would block it", async () => {
    const { runs, run_id, op, sweeps } = await waiting(`/release ${IP}`);
    await runs.claim(run_id);
    await sweeps();
    op.hears(/^203\.0\.113\.7 is not blocked$/);
  });

  it("and comes to life again changes nothing: the run has another worker", async () => {
    const { runs, run_id, edge, op, sweeps, works, work } = await waiting(`/block ${IP}`);
    let release = () => {};
    const { block } = edge;
    edge.block = async (...args) => {
      edge.block = block;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return block(...args);
    };
    const slow = work(run_id);
    await sweeps();
    op.hears(`${IP} is blocked`);
    release();
    await slow;
    await works();
    expect(op.heard.filter((said) => said.includes("is blocked"))).toHaveLength(1);
    expect(await runs.get(run_id)).toMatchObject({ status: "succeeded" });
  });

  it("again and again by the same run: the run ends, and nobody claims to know how", async () => {
    const { runs, run_id, edge, op, sweeps } = await waiting(`/block ${IP}`);
    for (let death = 1; death <= 20; death++) {
      await runs.claim(run_id);
      await runs.takeOver();
    }
    await runs.claim(run_id);
    await sweeps();
    op.hears(/^Nobody knows whether this was done/);
    expect(await runs.get(run_id)).toMatchObject({ status: "unknown", error: { code: "outcome_unknown" } });
    expect(edge.rules).toEqual([]);
  });
});

describe("a process that stops", () => {
  it("gives its run back, to be done by another", async () => {
    const { runs, run_id, edge, stop, work } = await waiting(`/block ${IP}`);
    edge.block = (_rule, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
        stop.abort();
      });
    await work(run_id);
    expect(await runs.get(run_id)).toMatchObject({ status: "accepted", error: null });
  });
});

describe("a queue that was wiped", () => {
  it("loses nothing: what is stored is queued again", async () => {
    const { runs, queue, op, works } = await waiting(`/block ${IP}`);
    queue.wipe();
    await works();
    expect(op.heard).toEqual([]);
    await queue.add(await runs.requeue((await runs.due(9, true)).map(({ id }) => id)));
    await works();
    op.hears(`${IP} is blocked`);
  });
});

describe("a run of another release", () => {
  it("whose command is no more fails with a sentence", async () => {
    const { runs, op, queue, works } = await waiting(`/block ${IP}`);
    const stored = {
      request_id: "old",
      command: "cf_purge",
      input: {},
      person_id: "p-1",
      identity: "telegram:1002",
      locale: "en",
      zone: "UTC",
    } as const;
    await runs.insert({ run_id: "run000000001", ...stored }, { delivery: null, claim: false });
    await queue.add([{ id: "run000000001", job_id: "run000000001-0" }]);
    await works();
    expect(await runs.get("run000000001")).toMatchObject({ status: "failed", error: { code: "unknown_command" } });
    op.hears(`${IP} is blocked`);
  });

  it("whose input does not fit any more fails, and is not tried eight times", async () => {
    const { runs, queue, works } = await waiting("/ping");
    const stored = {
      request_id: "old",
      command: "cf_block",
      input: { address: IP },
      person_id: "p-1",
      identity: "telegram:1002",
      locale: "en",
      zone: "UTC",
    } as const;
    await runs.insert({ run_id: "run000000001", ...stored }, { delivery: null, claim: false });
    await queue.add([{ id: "run000000001", job_id: "run000000001-0" }]);
    await works();
    expect(await runs.get("run000000001")).toMatchObject({ status: "failed", attempts: 1, error: { code: "invalid_input" } });
  });
});
