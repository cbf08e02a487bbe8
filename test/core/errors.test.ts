import { describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorCode, OpsError, toOpsError } from "../../core/errors.ts";
import { createTestDesk, type Persona, type TestDesk } from "../support/conversation.ts";

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

describe("the one table of errors", () => {
  it("gives every code an HTTP status of its kind and an exit code of the contract", () => {
    for (const { status, exit } of Object.values(ERROR_CODES)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect([1, 2, 3, 4]).toContain(exit);
    }
  });

  it("says that those may succeed later whose status says so", () => {
    expect(codes.filter((code) => ERROR_CODES[code].retryable)).toEqual(["rate_limited", "unavailable", "upstream_unavailable", "timeout"]);
  });

  it("gives an error its text, unless it has a better one", () => {
    expect(new OpsError("timeout", "slow")).toMatchObject({ text: { key: "errors.timeout" }, retryable: true, issues: [] });
    expect(new OpsError("timeout", "slow", { text: { raw: "Slow." } }).text).toEqual({ raw: "Slow." });
  });

  it("wraps what is none of ours, and keeps it as the cause", () => {
    const ours = new OpsError("forbidden", "no");
    expect(toOpsError(ours)).toBe(ours);
    const cause = new TypeError("x is not a function");
    expect(toOpsError(cause)).toMatchObject({ code: "internal", message: "x is not a function", cause });
    expect(toOpsError("words")).toMatchObject({ code: "internal", message: "words", cause: "words" });
  });
});

/** A port that is needed for something, and what needs it. */
const NEEDED: readonly (readonly [
  port: string,
  breaks: (desk: TestDesk, error?: Error) => void,
  asks: (who: Persona) => Promise<unknown>,
])[] = [
  ["the count of lines", ({ ephemeral }, error) => ephemeral.breaks("count", { error }), (who) => who.says("/ping")],
  ["the conversations", ({ ephemeral }, error) => ephemeral.breaks("get", { error }), (who) => who.says("/ping")],
  ["the questions", ({ ephemeral }, error) => ephemeral.breaks("put", { error }), (who) => who.says("/block")],
  ["the confirmations", ({ ephemeral }, error) => ephemeral.breaks("put", { error }), (who) => who.says("/grant telegram:9 admin")],
  ["the runs", ({ runs }, error) => runs.breaks("insert", { error }), (who) => who.says("/block 203.0.113.7")],
  ["the runs of inline commands", ({ runs }, error) => runs.breaks("insert", { error }), (who) => who.says("/grant telegram:9 viewer")],
  ["reading runs", ({ runs }, error) => runs.breaks("get", { error }), (who) => who.says("/status 7k2m9qd04xvb")],
  ["the people", ({ people }, error) => people.breaks("grant", { error }), (who) => who.says("/grant telegram:9 viewer")],
  ["the health", ({ health }, error) => health.breaks("check", { error }), (who) => who.says("/ping")],
];

describe("dispatch never rejects", () => {
  it.each(NEEDED)("without %s: it is not available, and works when it is back", async (_, breaks, asks) => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    breaks(desk);
    expect(await asks(admin)).toMatchObject({ kind: "failed", error: { code: "unavailable" } });
    admin.hears("Switchboard cannot reach its database or queue. Try again in a moment.");
    expect(desk.log.lines.filter(({ level }) => level === "warn")).toMatchObject([{ fields: { err: { code: "unavailable" } } }]);
    for (const port of [desk.ephemeral, desk.runs, desk.people, desk.health]) port.mends();
    expect(await asks(admin)).not.toMatchObject({ error: { code: "unavailable" } });
  });

  it.each(NEEDED)("when a fault of ours is in %s: one number for the person, the cause for the log", async (_, breaks, asks) => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    const fault = new TypeError("postgres://app:hunter2@db is undefined");
    breaks(desk, fault);
    expect(await asks(admin)).toMatchObject({ kind: "failed", error: { code: "internal" } });
    admin.hears("Something went wrong on our side. Tell an admin this number: request-1");
    const errors = desk.log.lines.filter(({ level }) => level === "error");
    expect(errors).toMatchObject([{ fields: { err: { cause: fault }, request_id: "request-1" } }]);
  });

  it("without the audit: what is accepted stays accepted, and the log has the line", async () => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    desk.auditLog.breaks("append", { times: 1 });
    expect(await op.says("/block 203.0.113.7")).toMatchObject({ kind: "queued" });
    expect(desk.log.lines).toMatchObject([{ level: "error", fields: { entry: { command: "cf_block", outcome: "queued" } } }]);
  });

  it("without a queue: the run is stored and found by the sweeper", async () => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    const { add } = desk.queue;
    desk.queue.add = async () => {
      throw new OpsError("unavailable", "no queue");
    };
    expect(await op.says("/block 203.0.113.7")).toMatchObject({ kind: "queued" });
    expect(desk.log.lines).toMatchObject([{ level: "warn", message: expect.stringContaining("sweeper") }]);
    desk.queue.add = add;
    await desk.queue.add(await desk.runs.due(9, true));
    await desk.works();
    op.hears("203.0.113.7 is blocked");
  });
});

describe("an inline write", () => {
  it("whose success could not be stored has not failed: delivered again, it is done", async () => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    desk.runs.breaks("finish", { times: 1 });
    expect(await admin.says("/grant telegram:9 viewer")).toMatchObject({ kind: "done" });
    expect(await admin.repeats()).toMatchObject({ kind: "done" });
    expect(await desk.runs.list({ limit: 9 })).toMatchObject([{ status: "succeeded", error: null }]);
  });
});
