import { describe, expect, it } from "vitest";
import { answerTo, failedReply } from "../../core/carry-out.ts";
import { OpsError } from "../../core/errors.ts";
import { raw, text } from "../../core/reply.ts";
import { includesRole, type Request } from "../../core/request.ts";
import { idFrom } from "../../core/run.ts";
import { jobId } from "../../core/stores.ts";

describe("a run's id", () => {
  it("is the same for the same request, short, and easy to type", () => {
    expect(idFrom("telegram:1-7")).toBe(idFrom("telegram:1-7"));
    expect(idFrom("telegram:1-7")).toMatch(/^[0-9a-hjkmnp-tv-z]{12}$/);
  });

  it("is what it was in earlier releases: a redelivery may come to a newer one", () => {
    expect(idFrom("")).toBe("werc8gmrzge1");
  });

  it("is another for another request", () => {
    const ids = new Set(Array.from({ length: 100_000 }, (_, at) => idFrom(`request-${at}`)));
    expect(ids.size).toBe(100_000);
  });

  it("uses every bit of its 60", () => {
    const seen = Array.from({ length: 12 }, () => new Set<string>());
    for (let at = 0; at < 2_000; at++) {
      for (const [place, letter] of [...idFrom(`${at}`)].entries()) seen[place]?.add(letter);
    }
    expect(seen.map(({ size }) => size)).toEqual(Array(12).fill(32));
  });

  it("makes a job's id that every queue takes", () => {
    expect(jobId("7k2m9qd04xvb", 3)).toBe("7k2m9qd04xvb-3");
  });
});

describe("the answer to a request", () => {
  const request: Request = {
    request_id: "telegram:1-7",
    identity: "telegram:1",
    person: null,
    reply_to: { platform: "telegram", address: "1" },
    conversation: "1",
    locale: "ko",
    zone: "Asia/Seoul",
    ask: { kind: "text", text: "/ping" },
  };
  const what = { reply: { tone: "ok", title: raw("hey") } as const, delay_ms: 0 };

  it("is one message, in the language and zone of the request", () => {
    const answer = answerTo(request, null, what);
    expect(answer).toMatchObject({ locale: "ko", zone: "Asia/Seoul", reply_to: { address: "1" }, run_id: null });
    expect(answerTo({ ...request }, null, what)).toEqual(answer);
    expect(answerTo({ ...request, request_id: "telegram:1-8" }, null, what)?.delivery_id).not.toBe(answer?.delivery_id);
  });

  it("is none where the asker waits for the outcome", () => {
    expect(answerTo({ ...request, reply_to: null }, "7k2m9qd04xvb", what)).toBeNull();
  });

  it("of a failure is one sentence, and what else is wrong below", () => {
    const issues = ["first", "second"].map((path) => ({ path, message: text(`parse.${path}`) }));
    expect(failedReply(new OpsError("invalid_input", "log", { text: text("parse.first"), issues }))).toEqual({
      tone: "error",
      title: { key: "parse.first" },
      lines: [{ key: "parse.second" }],
    });
  });

  it("of a fault of ours says nothing but a number", () => {
    const error = new OpsError("internal", "postgres://app:hunter2@db is gone");
    expect(failedReply(error, "telegram:1-7")).toEqual({
      tone: "error",
      title: { key: "errors.internal_request", params: { request_id: "telegram:1-7" } },
    });
  });
});

describe("a role", () => {
  it.each([
    ["admin", "operator", true],
    ["viewer", "viewer", true],
    ["viewer", "operator", false],
    ["ingest", "viewer", false],
    [null, "ingest", false],
  ] as const)("%s includes %s: %s", (role, needed, includes) => {
    expect(includesRole(role, needed)).toBe(includes);
  });
});
