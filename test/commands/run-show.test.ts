import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

function desk() {
  const opened = createTestDesk();
  return { ...opened, op: opened.person("telegram:1002", "operator"), viewer: opened.person("telegram:1003", "viewer") };
}

describe("a run", () => {
  it("is not carried out for one whose role was withdrawn while it waited", async () => {
    const { op, edge, knownPeople, workers, works } = desk();
    workers.on = false;
    await op.says("/block 203.0.113.7");
    knownPeople.set("telegram:1002", "viewer");
    workers.on = true;
    await works();
    op.hears(/^You may not run cf_block\.\nRun: /);
    expect(edge.rules).toEqual([]);
  });

  it("is shown to its asker and to operators, and to no other viewer", async () => {
    const { op, viewer, ...opened } = desk();
    const outcome = await viewer.says("/cf_search 203.0.113.7");
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    for (const who of [viewer, op]) {
      await who.says(`/status ${run_id.toUpperCase()}`);
      who.hears(/^cf_search has succeeded\nRun: [0-9a-z]{12}\nAsked by: telegram:1003\nAsked: Nov 22/);
    }
    const other = opened.person("telegram:1006", "viewer");
    expect(codeOf(await other.says(`/status ${run_id}`))).toBe("not_found");
    other.hears(`There is no run ${run_id} that you may see.`);
    expect(codeOf(await other.says("/status yesterday"))).toBe("invalid_input");
    other.hears("A run's id is 12 letters and digits");
  });

  it("that failed says why, in the words that were said", async () => {
    const { op, edge } = desk();
    edge.breaks("block", { error: new OpsError("upstream_refused", "no", { text: text("cf.refused", { reason: "1004 wrong zone" }) }) });
    const outcome = await op.says("/block 203.0.113.7");
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    await op.says(`/status ${run_id}`);
    op.hears(/^cf_block has failed\n(.|\n)*Tries: 1\nWhy: Cloudflare refused: 1004 wrong zone$/);
    expect(await op.calls("run_show", { run_id })).toMatchObject({ output: { error: "upstream_refused", reason: { key: "cf.refused" } } });
  });
});
