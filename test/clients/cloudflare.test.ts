import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createCloudflareEdge } from "../../clients/cloudflare.ts";
import { OpsError } from "../../core/errors.ts";
import type { Edge } from "../../core/ports.ts";
import { createSandbox } from "../../sandbox/server.ts";
import { createCloudflareFake, TOKEN } from "./cloudflare-fake.ts";

let cloudflare: ReturnType<typeof createCloudflareFake>;
let edge: Edge;
const { signal } = new AbortController();
const edgeWith = (token: string, base_url = cloudflare.baseUrl(), zone_id = "zone-1") => createCloudflareEdge({ token, zone_id, base_url });

async function refusalOf(work: Promise<unknown>): Promise<OpsError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpsError)) throw new Error(`expected an OpsError, got ${String(error)}`);
  expect(JSON.stringify([error.message, error.text, error.stack, error.cause])).not.toContain("secret");
  return error;
}

beforeEach(async () => {
  cloudflare = createCloudflareFake();
  await cloudflare.start();
  edge = edgeWith(TOKEN);
});
afterEach(async () => {
  await cloudflare.stop();
});

describe("blocking an address", () => {
  it("takes one call, and the rule is found and released by its id", async () => {
    const { rule, created } = await edge.block("203.0.113.7", "Switchboard run 1", signal);
    expect({ rule, created, calls: cloudflare.calls }).toMatchObject({
      created: true,
      rule: { ip: "203.0.113.7", notes: "Switchboard run 1" },
      calls: ["POST"],
    });
    expect(await edge.find("203.0.113.7", signal)).toEqual([rule]);
    expect(await edge.find("203.0.113.77", signal)).toEqual([]);
    await edge.release(rule.rule_id, signal);
    expect(cloudflare.rules).toEqual([]);
    await edge.release(rule.rule_id, signal);
  });

  it("works for IPv6, which Cloudflare writes with all its zeros", async () => {
    const { rule } = await edge.block("2001:db8::7", "Switchboard run 1", signal);
    const value = "2001:0db8:0000:0000:0000:0000:0000:0007";
    expect(cloudflare.rules[0]?.configuration).toEqual({ target: "ip6", value });
    expect(rule.ip).toBe("2001:db8::7");
    expect(await edge.find("2001:db8::7", signal)).toEqual([rule]);
  });

  it("adopts the rule that is there", async () => {
    cloudflare.plant("block", "203.0.113.7");
    const { rule, created } = await edge.block("203.0.113.7", "Switchboard run 2", signal);
    expect({ id: rule.rule_id, notes: rule.notes, created }).toEqual({ id: "planted", notes: "by hand", created: false });
  });

  it("knows its own rule again when a run is repeated", async () => {
    const first = await edge.block("203.0.113.7", "Switchboard run 2", signal);
    expect(await edge.block("203.0.113.7", "Switchboard run 2", signal)).toEqual(first);
    expect(await edge.block("203.0.113.7", "Switchboard run 3", signal)).toEqual({ ...first, created: false });
  });

  it("does not touch a rule of another mode, and says so", async () => {
    cloudflare.plant("whitelist", "203.0.113.7");
    const error = await refusalOf(edge.block("203.0.113.7", "Switchboard run 2", signal));
    expect(error).toMatchObject({ code: "upstream_refused", text: { key: "cf.other_mode", params: { mode: "whitelist" } } });
    expect(await edge.find("203.0.113.7", signal)).toEqual([]);
  });
});

describe("when Cloudflare is in trouble", () => {
  it("a connection cut after the rule was made leaves one rule, made by us", async () => {
    cloudflare.fail({ status: 0, drop: true });
    expect(await edge.block("203.0.113.7", "Switchboard run 3", signal)).toMatchObject({
      created: true,
      rule: { notes: "Switchboard run 3" },
    });
    expect(cloudflare.rules).toHaveLength(1);
  });

  it("so it is when every answer is lost, and when a proxy answers 502 for it", async () => {
    cloudflare.fail({ status: 0, drop: true }, { status: 502 }, { status: 502 });
    expect(await edge.block("203.0.113.7", "Switchboard run 4", signal)).toMatchObject({ created: true });
    expect(cloudflare.calls).toEqual(["POST", "POST", "POST", "GET"]);
  });

  it("a 500 is tried three times, then it is unavailable", async () => {
    cloudflare.fail({ status: 500 }, { status: 500 }, { status: 500 });
    expect(await refusalOf(edge.block("203.0.113.7", "Switchboard run 5", signal))).toMatchObject({ code: "upstream_unavailable" });
    expect(cloudflare.calls).toEqual(["POST", "POST", "POST", "GET"]);
  });

  it("a 429 is handed on at once, with the time to wait", async () => {
    cloudflare.fail({ status: 429, headers: { "retry-after": "300" } });
    const error = await refusalOf(edge.block("203.0.113.7", "Switchboard run 6", signal));
    expect({ code: error.code, wait: error.retry_after_ms, calls: cloudflare.calls }).toEqual({
      code: "rate_limited",
      wait: 300_000,
      calls: ["POST"],
    });
  });

  it("when it is down, nothing is known", async () => {
    const down = edgeWith(TOKEN, "http://127.0.0.1:1/client/v4");
    expect(await refusalOf(down.find("203.0.113.7", signal))).toMatchObject({ code: "upstream_unavailable" });
  });

  it("an abort ends the call", async () => {
    expect(await refusalOf(edge.block("203.0.113.7", "Switchboard run 7", AbortSignal.abort()))).toMatchObject({
      code: "upstream_unavailable",
    });
    expect(cloudflare.rules).toEqual([]);
  });
});

describe("what is set wrong", () => {
  it.each(["another-secret", "secret\nwith a line break"])("a wrong token is told, and never shown: %j", async (token) => {
    const error = await refusalOf(edgeWith(token).find("203.0.113.7", signal));
    expect(error.code).toBe(token.includes("\n") ? "upstream_unavailable" : "upstream_refused");
    if (error.code === "upstream_refused")
      expect(error).toMatchObject({ text: { key: "cf.token_refused" }, message: expect.stringContaining("10000") });
  });

  it("a wrong zone is not a rule that is gone", async () => {
    const error = await refusalOf(edgeWith(TOKEN, cloudflare.baseUrl(), "zone-2").release("rule-1", signal));
    expect(error).toMatchObject({ code: "upstream_refused", text: { key: "cf.refused" }, message: expect.stringContaining("7003") });
  });

  it("variables of the SDK's own change nothing", async () => {
    const names = [
      "CLOUDFLARE_API_TOKEN",
      "CLOUDFLARE_EMAIL",
      "CLOUDFLARE_API_KEY",
      "CLOUDFLARE_BASE_URL",
      "CLOUDFLARE_CUSTOM_HEADERS",
      "CLOUDFLARE_LOG",
    ];
    for (const name of names) process.env[name] = name === "CLOUDFLARE_CUSTOM_HEADERS" ? "x-stray: 1\nauthorization: Bearer no" : "debug";
    try {
      expect(await edgeWith(TOKEN).find("203.0.113.7", signal)).toEqual([]);
    } finally {
      for (const name of names) delete process.env[name];
    }
  });
});

describe("the sandbox's Cloudflare", () => {
  it("is blocked, adopted, searched and released like the fake", async () => {
    const data_dir = mkdtempSync(join(tmpdir(), "cloudflare-"));
    const sandbox = await createSandbox({ data_dir, port: 0 });
    onTestFinished(async () => {
      await sandbox.close();
      rmSync(data_dir, { recursive: true });
    });
    const desk = createCloudflareEdge(sandbox.cloudflare);
    for (const ip of ["203.0.113.7", "2001:db8::7"]) {
      sandbox.state.faults.set({ target: "cloudflare", drop: true, times: 1 });
      const { rule, created } = await desk.block(ip, "Switchboard run 1", signal);
      expect({ ip: rule.ip, created }).toEqual({ ip, created: true });
      expect(await desk.block(ip, "Switchboard run 2", signal)).toEqual({ rule, created: false });
      expect(await desk.find(ip, signal)).toEqual([rule]);
      await desk.release(rule.rule_id, signal);
      await desk.release(rule.rule_id, signal);
      expect(await desk.find(ip, signal)).toEqual([]);
    }
  });
});
