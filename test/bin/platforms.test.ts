import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openPlatforms } from "../../bin/app/platforms.ts";
import { watchEdge } from "../../bin/app/watched-edge.ts";
import { parseConfig } from "../../core/config.ts";
import { OpsError } from "../../core/errors.ts";
import type { Budget } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import { breakable } from "../support/breakable.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEdge } from "../support/memory-edge.ts";
import { createMemoryLog } from "../support/memory-log.ts";

const IP = "203.0.113.7";
const ZONE = "0123456789abcdef0123456789abcdef";
const { signal } = new AbortController();
const CALL = { lane: "interactive", signal } as const;
const RULE = { scope: "zone:1", network: IP, notes: "notes" } as const;

/** The platforms of these settings; `wait` is what the budget says. */
async function open(env: Record<string, string>, wait = 0) {
  const DATA_DIR = mkdtempSync(join(tmpdir(), "platforms-"));
  const log = createMemoryLog();
  const booked: (readonly Budget[])[] = [];
  const reserve = async (budgets: readonly Budget[]) => {
    booked.push(budgets);
    return wait;
  };
  const platforms = await openPlatforms(parseConfig({ DATA_DIR, ...env }, "/"), {
    ephemeral: { reserve, shut: async () => undefined },
    log,
  });
  onTestFinished(async () => {
    await platforms.close();
    rmSync(DATA_DIR, { recursive: true });
  });
  return { platforms, log, booked };
}

describe("Cloudflare's budget", () => {
  it("is booked before each call, and shared by all processes through one key", async () => {
    const { platforms, booked } = await open({ CLOUDFLARE_BUDGET: "7/60s" });
    const zone = platforms.sandbox?.cloudflare.zone_id;
    await platforms.edge.lookUp([IP], CALL);
    await platforms.edge.block({ ...RULE, scope: `zone:${zone}` }, CALL);
    const budget = { key: expect.stringMatching(/^cloudflare:[0-9a-f]+$/), limit: 7, window_ms: 60_500, closable: true };
    expect(booked).toEqual([[budget], [budget]]);
    expect(JSON.stringify(booked)).not.toContain(platforms.sandbox?.cloudflare.token);
  });

  it("that is used up is the caller's to wait for, and says nothing about Cloudflare", async () => {
    const { platforms } = await open({}, 60_000);
    await expect(platforms.edge.lookUp([IP], CALL)).rejects.toMatchObject({ code: "rate_limited" });
    expect(platforms.cloudflareState()).toEqual({ part: "cloudflare", state: "ok", note: "sandbox" });
  });
});

describe("without a token", () => {
  it("Cloudflare is off, with one line in the log, and nothing is ill", async () => {
    const { platforms, log } = await open({ SANDBOX: "0" });
    await expect(platforms.edge.lookUp([IP], CALL)).rejects.toMatchObject({ code: "upstream_refused", text: { key: "cf.off" } });
    expect(platforms.cloudflareState()).toEqual({ part: "cloudflare", state: "ok", note: "off" });
    expect(log.lines.map(({ message }) => message)).toEqual(["Cloudflare is off: CLOUDFLARE_API_TOKEN is not set"]);
  });
});

describe("with a token that Cloudflare refuses", () => {
  it("it is down from the first call on", async () => {
    const { platforms: emulated } = await open({});
    const CLOUDFLARE_BASE_URL = emulated.sandbox?.cloudflare.base_url ?? "";
    const env = { SANDBOX: "0", CLOUDFLARE_BASE_URL, CLOUDFLARE_API_TOKEN: "a-token-of-somebody-else", CLOUDFLARE_ZONE_ID: ZONE };
    const { platforms, log } = await open(env);
    expect(platforms.cloudflareState()).toEqual({ part: "cloudflare", state: "ok" });
    await expect(platforms.edge.lookUp([IP], CALL)).rejects.toMatchObject({ code: "upstream_refused" });
    expect(platforms.cloudflareState()).toEqual({ part: "cloudflare", state: "down", note: "CLOUDFLARE_API_TOKEN is refused" });
    expect(JSON.stringify(log.lines)).toContain("9109 Invalid access token");
    expect(JSON.stringify(log.lines)).not.toContain("somebody-else");
  });
});

describe("an edge that is watched", () => {
  const open = () => {
    const memory = breakable(createMemoryEdge(createTestClock()));
    return { memory, ...watchEdge(memory, createMemoryLog()) };
  };
  const tokenRefused = new OpsError("upstream_refused", "HTTP 403", { text: text("cf.token_refused") });

  it.each([
    [tokenRefused, "down"],
    [new OpsError("upstream_unavailable", "no answer"), "degraded"],
    [new OpsError("outcome_unknown", "no answer"), "degraded"],
    [new OpsError("rate_limited", "429"), "ok"],
    [new OpsError("upstream_refused", "another mode"), "ok"],
  ])("is, after %s, %s; and well again after a success", async (error, state) => {
    const { memory, edge, state: now } = open();
    memory.breaks("block", { error, times: 1 });
    await expect(edge.block(RULE, CALL)).rejects.toBe(error);
    expect(now()).toMatchObject({ state });
    await edge.release({ scope: "zone:1", rule_id: "rule-1" }, CALL);
    expect(now()).toEqual({ state: "ok" });
  });

  it("is not blamed for a call that was told to stop", async () => {
    const { memory, edge, state } = open();
    memory.breaks("lookUp", { error: new OpsError("upstream_unavailable", "aborted") });
    await expect(edge.lookUp([IP], { ...CALL, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "upstream_unavailable" });
    expect(state()).toEqual({ state: "ok" });
  });
});
