import { describe, expect, it } from "vitest";
import { createLogger } from "../../clients/logger.ts";
import { OpsError } from "../../core/errors.ts";

function createLog(options: { level?: "debug" | "info" | "warn" | "error"; redact?: readonly string[] } = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: "info", redact: [], ...options, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown> };
}

describe("the log", () => {
  it("is one line of JSON an entry, with time, level and fields", () => {
    const { log, lines, last } = createLog();
    log.info({ run_id: "r1", count: 2 }, "run 100%s done");
    expect(last()).toMatchObject({ level: "info", run_id: "r1", count: 2, msg: "run 100%s done", pid: process.pid });
    expect(Number.isNaN(Date.parse(String(last()["time"])))).toBe(false);
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });

  it("leaves out what is below its level", () => {
    const { log, lines } = createLog({ level: "warn" });
    log.debug({}, "no");
    log.info({}, "no");
    log.warn({}, "yes");
    log.error({}, "yes");
    expect(lines).toHaveLength(2);
  });

  it("tells an error with its code and causes, and nothing else of it", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", payload: "private words" });
    const { log, lines, last } = createLog();
    log.error({ err: new OpsError("upstream_unavailable", "Cloudflare is down", { cause }) }, "failed");
    expect(last()["err"]).toMatchObject({
      type: "OpsError",
      code: "upstream_unavailable",
      message: "Cloudflare is down",
      stack: expect.stringContaining("logger.test"),
      cause: { code: "ECONNREFUSED", message: "connect ECONNREFUSED" },
    });
    expect(lines.join()).not.toContain("private words");
  });

  it("survives odd errors: a circle of causes, a string, many at once, none", () => {
    const { log, lines, last } = createLog();
    const circle = new Error("round");
    circle.cause = circle;
    for (const err of [circle, "a string", { deep: { x: 1n } }, undefined, null]) log.error({ err }, "odd");
    expect(lines).toHaveLength(5);
    log.error({ err: new AggregateError([new Error("first of two"), new Error("second")]) }, "odd");
    expect(last()["err"]).toMatchObject({ type: "AggregateError", cause: { message: "first of two" } });
  });
});

describe("a secret", () => {
  const SECRET = 'p@ss"w\\rd/+';
  it.each([
    ["a message", {}, `failed for ${SECRET}`],
    ["a field", { url: `postgres://u:${SECRET}@db` }, "x"],
    ["a key", { [SECRET]: 1 }, "x"],
    ["a URL", { url: `http://db/?p=${encodeURIComponent(SECRET)}` }, "x"],
    ["an error and its cause", { err: new Error(SECRET, { cause: new Error(SECRET) }) }, "x"],
  ])("never shows, in %s", (_, fields, message) => {
    const { log, lines, last } = createLog({ redact: ["", "ab", SECRET, "p@ss"] });
    log.error(fields, message);
    expect(lines.join()).toContain("[redacted]");
    expect(lines.join()).not.toMatch(/p@ss|w\\\\rd|p%40ss/);
    expect(last()).toMatchObject({ level: "error" });
  });

  it("of fewer than four characters would blot out words", () => {
    const { log, last } = createLog({ redact: ["", "ab"] });
    log.info({}, "about");
    expect(last()["msg"]).toBe("about");
  });
});
