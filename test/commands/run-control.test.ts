import { describe, expect, it } from "vitest";
import { commands } from "../../commands/index.ts";
import { OpsError } from "../../core/errors.ts";
import { codeOf, createTestDesk, type Persona, tokenOf } from "../support/conversation.ts";
import { testCommand, testTexts, vault } from "../support/test-commands.ts";

const queued = { mode: "queued", timeout_ms: 20_000, attempts: 3 } as const;

/** A desk whose worker rests until it is told to work. */
function desk() {
  const opened = createTestDesk();
  const people = { admin: opened.person("telegram:1001", "admin"), op: opened.person("telegram:1002", "operator") };
  return { ...opened, ...people, viewer: opened.person("telegram:1003", "viewer") };
}

/** What was queued for somebody; its id. */
async function started(who: Persona, line = "/block 203.0.113.7"): Promise<string> {
  const outcome = await who.says(line);
  return outcome.kind === "queued" ? outcome.run_id : "";
}

describe("run_cancel", () => {
  it("ends a run that waits, says so where it was asked for, and offers the way back", async () => {
    const { op, admin, workers, works, edge, runs } = desk();
    workers.on = false;
    const run_id = await started(op);
    await admin.says(`/run_cancel ${run_id}`);
    admin.hears(/^cf_block is cancelled\nRun: [0-9a-z]{12}\nUndo: run_retry [0-9a-z]{12}$/);
    op.hears(/^cf_block was cancelled by telegram:1001\nRun: /);
    workers.on = true;
    await works();
    expect(edge.rules).toEqual([]);
    expect(await runs.get(run_id)).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
  });

  it("of a run that was tried already says that nobody knows how far it came", async () => {
    const { op, edge, runs } = desk();
    edge.breaks("block", { error: new OpsError("upstream_unavailable", "no answer") });
    const run_id = await started(op);
    expect(await runs.get(run_id)).toMatchObject({ status: "accepted", attempts: 1 });
    await op.says(`/run_cancel ${run_id}`);
    expect(op.heard.at(-2)).toMatch(/^cf_block was cancelled by telegram:1002 when it had begun; nobody knows/);
    op.hears(/^cf_block is cancelled\n[\s\S]*It had begun/);
    expect(await runs.get(run_id)).toMatchObject({ status: "unknown" });
  });

  it("is the same when it is asked twice, or the request comes again", async () => {
    const { op, workers, runs } = desk();
    workers.on = false;
    const run_id = await started(op);
    await op.says(`/run_cancel ${run_id}`);
    const once = op.heard.at(-1);
    expect((await op.repeats()).kind).toBe("done");
    await op.says(`/run_cancel ${run_id}`);
    expect(op.heard.at(-1)).toBe(once);
    expect(await runs.get(run_id)).toMatchObject({ status: "cancelled" });
  });

  it("refuses what has ended, what is not there, and what is somebody else's", async () => {
    const { op, viewer } = desk();
    const run_id = await started(op);
    expect(codeOf(await op.says(`/run_cancel ${run_id}`))).toBe("conflict");
    op.hears("It has ended already: cf_block has succeeded.");
    expect(codeOf(await viewer.says(`/run_cancel ${run_id}`))).toBe("not_found");
    expect(codeOf(await op.says("/run_cancel 000000000000"))).toBe("not_found");
    for (const words of ["x", "7k2m9qd04xv😀", "'; DROP TABLE runs"])
      expect(codeOf(await op.calls("run_cancel", { run_id: words }))).toBe("invalid_input");
    await op.says("/run_cancel");
    op.hears("Which run is to be stopped?");
  });

  it("lets a viewer stop their own", async () => {
    const { viewer, workers } = desk();
    workers.on = false;
    await viewer.says(`/run_cancel ${await started(viewer, "/cf_search 203.0.113.7")}`);
    viewer.hears(/^cf_search is cancelled\n/);
  });
});

/** A desk with a slow command, at work; what it does when it is told to stop is given. */
async function atWork(whenTold: (signal: AbortSignal) => Promise<{ said: string }> | { said: string }, effect: "read" | "write" = "write") {
  let begun = () => {};
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const slow = testCommand({
    ...{ name: "echo", execution: queued, effect },
    handle: async (_words, { signal }) => {
      begun();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return whenTold(signal);
    },
  });
  const opened = createTestDesk({ commands: [slow, ...commands], texts: testTexts() });
  const op = opened.person("telegram:1002", "operator");
  opened.workers.on = false;
  const run_id = await started(op, "/echo hello");
  const working = opened.work(run_id);
  await isBegun;
  await op.says(`/run_cancel ${run_id}`);
  op.hears(/^echo is told to stop\n/);
  await working;
  await opened.works();
  return { ...opened, op, run: await opened.runs.get(run_id) };
}

describe("a run at work is told to stop", () => {
  it("and what it gives by then stays", async () => {
    const { run, op } = await atWork(() => ({ said: "half of it" }));
    expect(run).toMatchObject({ status: "cancelled", output: { said: "half of it" } });
    op.hears(/^echo was cancelled by telegram:1002\nDone by then:\nhalf of it$/);
  });

  it.each<[string, (signal: AbortSignal) => never, object]>([
    [
      "breaks off",
      (signal) => {
        throw signal.reason;
      },
      { status: "unknown", error: { code: "outcome_unknown" } },
    ],
    [
      "fails",
      () => {
        throw new OpsError("upstream_unavailable", "gone");
      },
      { status: "unknown" },
    ],
    [
      "knows that it did nothing",
      () => {
        throw new OpsError("cancelled", "nothing");
      },
      { status: "cancelled", error: { code: "cancelled" } },
    ],
  ])("one that changes something and %s", async (_, whenTold, end) => {
    expect((await atWork(whenTold)).run).toMatchObject(end);
  });

  it("one that reads did nothing in any case", async () => {
    expect((await atWork((signal) => Promise.reject(signal.reason), "read")).run).toMatchObject({ status: "cancelled", output: null });
  });
});

describe("run_retry", () => {
  it("asks again for what has failed: a new run of the same input, which the answer names", async () => {
    const { op, edge, runs } = desk();
    edge.breaks("block", { error: new OpsError("upstream_refused", "no"), times: 1 });
    const run_id = await started(op, '/block 203.0.113.7 --reason "brute force"');
    op.hears("Run: ");
    const again = await started(op, `/run_retry ${run_id}`);
    expect(again).not.toBe(run_id);
    op.hears(/^203.0.113.7 is blocked\n/);
    expect(await runs.get(again)).toMatchObject({
      status: "succeeded",
      command: "cf_block",
      input: { ip: ["203.0.113.7"], reason: "brute force" },
    });
    expect(await runs.get(run_id)).toMatchObject({ status: "failed" });
  });

  it("of the same request is the same run", async () => {
    const { op, workers, runs, audit } = desk();
    workers.on = false;
    const run_id = await started(op);
    await op.says(`/run_cancel ${run_id}`);
    const first = await op.says(`/run_retry ${run_id}`);
    op.hears(/^cf_block is cancelled/);
    const second = await op.repeats();
    expect(first).toMatchObject({ kind: "queued", reply: { fields: [{ value: { raw: expect.stringMatching(/^[0-9a-z]{12}$/) } }] } });
    expect(second).toEqual(first);
    expect(await runs.list({ limit: 9, command: "cf_block" })).toHaveLength(2);
    expect(audit.at(-1)).toMatchObject({
      command: "run_retry",
      input: { run_id },
      outcome: "queued",
      run_id: (first as { run_id: string }).run_id,
    });
  });

  it("refuses what has succeeded and what is open", async () => {
    const { op, workers } = desk();
    expect(codeOf(await op.says(`/run_retry ${await started(op)}`))).toBe("conflict");
    op.hears("has succeeded; there is nothing to repeat");
    workers.on = false;
    expect(codeOf(await op.says(`/run_retry ${await started(op, "/block 203.0.113.8")}`))).toBe("conflict");
    op.hears("has not ended yet");
  });

  it("is for whoever may run that now, and passes every check", async () => {
    const opened = createTestDesk();
    const op = opened.person("telegram:1002", "operator");
    opened.workers.on = false;
    const run_id = await started(op);
    await op.says(`/run_cancel ${run_id}`);
    Object.assign(opened.ports, { protectedBy: () => "never_block" });
    expect(codeOf(await op.says(`/run_retry ${run_id}`))).toBe("protected_address");
    opened.knownPeople.set("telegram:1002", "viewer");
    expect(codeOf(await op.says(`/run_retry ${run_id}`))).toBe("forbidden");
    op.hears("You may not run cf_block.");
    const other = opened.person("telegram:1003", "viewer");
    expect(codeOf(await other.says(`/run_retry ${run_id}`))).toBe("not_found");
  });

  it("asks again before what is dangerous", async () => {
    const { admin, people, runs } = desk();
    people.breaks("grant", { error: new OpsError("internal", "oops"), times: 1 });
    await admin.asks({ kind: "confirm", token: tokenOf(await admin.says("/grant telegram:9 admin")) });
    const [failed] = await runs.list({ limit: 1, status: "failed" });
    const asked = await admin.says(`/run_retry ${failed?.run_id}`);
    admin.hears("Really run grant?");
    await admin.asks({ kind: "confirm", token: tokenOf(asked) });
    admin.hears(/^telegram:9 is now admin/);
  });

  it("says which run it was where that was done at once", async () => {
    const { admin, people, runs } = desk();
    people.breaks("grant", { error: new OpsError("internal", "oops"), times: 1 });
    await admin.says("/grant telegram:9 viewer");
    const [failed] = await runs.list({ limit: 1, status: "failed" });
    const outcome = await admin.says(`/run_retry ${failed?.run_id}`);
    admin.hears(/^telegram:9 is now viewer\nRun: [0-9a-z]{12}\nUndo: revoke telegram:9$/);
    expect(outcome).toMatchObject({ kind: "done", run_id: expect.not.stringMatching(failed?.run_id ?? "") });
  });

  it("does not read a secret back", async () => {
    const opened = createTestDesk({ commands: [vault, ...commands], texts: testTexts() });
    const op = opened.person("telegram:1002", "operator");
    opened.workers.on = false;
    const outcome = await op.calls("vault_set", { user: "kim", password: "hunter22" });
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    await op.says(`/run_cancel ${run_id}`);
    expect(codeOf(await op.says(`/run_retry ${run_id}`))).toBe("invalid_input");
    op.hears("vault_set was given a secret (password), which is not read back. Ask for it anew.");
    expect(op.heard.join()).not.toContain("hunter22");
  });
});
