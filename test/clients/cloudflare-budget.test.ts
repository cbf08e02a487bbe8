import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCloudflareEdge } from "../../clients/cloudflare.ts";
import { cloudflareBudget } from "../../clients/cloudflare-fetch.ts";
import { OpsError } from "../../core/errors.ts";
import { createSandbox } from "../../sandbox/server.ts";
import { createWindow } from "../../sandbox/window.ts";

const { signal } = new AbortController();

/** An edge paced by a budget that the emulator holds too, and what the emulator saw. */
async function open(rate: { limit: number; window_ms: number }, reserve?: () => Promise<number>) {
  const data_dir = mkdtempSync(join(tmpdir(), "cloudflare-budget-"));
  const sandbox = await createSandbox({ data_dir, port: 0, cloudflare_budget: rate });
  onTestFinished(async () => {
    await sandbox.close();
    rmSync(data_dir, { recursive: true });
  });
  const window = createWindow(cloudflareBudget("zone", rate));
  const book = async () => {
    const wait = window.wait(performance.now());
    if (wait === 0) window.count(performance.now());
    return wait;
  };
  const edge = createCloudflareEdge({ ...sandbox.cloudflare, reserve: reserve ?? book });
  const calls = async () => {
    const response = await fetch(`${sandbox.url}/sandbox/calls?emulator=cloudflare`);
    return ((await response.json()) as { calls: { status: number }[] }).calls.map(({ status }) => status);
  };
  return { edge, sandbox, calls };
}

describe("the budget of Cloudflare", () => {
  it("is held: a call that is too soon waits a moment, and Cloudflare sees no breach", async () => {
    const { edge, calls } = await open({ limit: 3, window_ms: 300 });
    await Promise.all(Array.from({ length: 6 }, () => edge.find("203.0.113.7", signal)));
    expect(await calls()).toEqual([200, 200, 200, 200, 200, 200]);
  });

  it("a long wait is the caller's: the call is not made, not even once more", async () => {
    const { edge, calls } = await open({ limit: 1, window_ms: 60_000 });
    await edge.find("203.0.113.7", signal);
    // One after another: a rejection that nobody waits for yet would count as unhandled.
    for (const ask of [() => edge.block("203.0.113.8", "Switchboard run 1", signal), () => edge.find("203.0.113.8", signal)]) {
      const error = await ask().then(String, (thrown: OpsError) => thrown);
      expect(error).toMatchObject({ code: "rate_limited", message: expect.stringContaining("CLOUDFLARE_BUDGET") });
      const { retry_after_ms = 0 } = error as OpsError;
      expect(retry_after_ms).toBeGreaterThan(55_000);
      expect(retry_after_ms).toBeLessThan(75_000);
    }
    expect(await calls()).toEqual([200]);
  });

  it("counts the SDK's own tries too; one that changed something may have been carried out", async () => {
    const { edge, sandbox, calls } = await open({ limit: 2, window_ms: 60_000 });
    sandbox.state.faults.set({ target: "cloudflare", status: 500, times: 5 });
    await expect(edge.block("203.0.113.8", "Switchboard run 1", signal)).rejects.toMatchObject({ code: "outcome_unknown" });
    expect(await calls()).toEqual([500, 500]);
  });

  it("that cannot be asked lets no call through", async () => {
    const { edge, calls } = await open({ limit: 9, window_ms: 1_000 }, () => Promise.reject(new OpsError("unavailable", "no answer")));
    await expect(edge.find("203.0.113.7", signal)).rejects.toMatchObject({ code: "unavailable" });
    expect(await calls()).toEqual([]);
  });

  it("is not waited for by who has been told to stop", async () => {
    const stop = new AbortController();
    const { edge, calls } = await open({ limit: 9, window_ms: 1_000 }, async () => {
      stop.abort();
      return 1_999;
    });
    await expect(edge.find("203.0.113.7", stop.signal)).rejects.toMatchObject({ code: "upstream_unavailable" });
    expect(await calls()).toEqual([]);
  });
});
