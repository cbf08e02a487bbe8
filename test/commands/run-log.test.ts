import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { createTestDesk } from "../support/conversation.ts";

const ALL_TRIES_MS = 600_000;

/** An operator whose block fails this way, every time. */
async function failing(error: Error) {
  const { edge, log, passes, ...opened } = createTestDesk();
  const op = opened.person("telegram:1002", "operator");
  edge.breaks("block", { error });
  await op.says("/block 203.0.113.7");
  await passes(ALL_TRIES_MS);
  return log.lines.filter(({ level }) => level === "warn" || level === "error");
}

describe("the log of the admin", () => {
  it.each(["upstream_refused", "upstream_unavailable", "outcome_unknown"] as const)("says why a run ended: %s", async (code) => {
    const lines = await failing(new OpsError(code, "Cloudflare block: HTTP 403: 10000 Authentication error"));
    expect(lines).toEqual([
      {
        level: "warn",
        message: "a run ended badly",
        fields: {
          run_id: expect.any(String),
          command: "cf_block",
          ...{ code, reason: expect.stringContaining("Cloudflare block: HTTP 403: 10000 Authentication error") },
        },
      },
    ]);
  });

  it("says nothing of what an asker did wrong", async () => {
    expect(await failing(new OpsError("protected_address", "203.0.113.7 is protected"))).toEqual([]);
  });

  it("has a mistake of ours with where it was made, and once", async () => {
    expect(await failing(new TypeError("a mistake"))).toMatchObject([{ level: "error", fields: { err: { code: "internal" } } }]);
  });
});
