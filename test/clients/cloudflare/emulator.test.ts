import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCloudflareEdge } from "../../../clients/cloudflare/edge.ts";
import { createSandbox, type SandboxOptions } from "../../../sandbox/server.ts";
import { inAnotherProcess } from "./edge-child.ts";
import { CALL } from "./fake.ts";

const ZONES = ["1", "2"].map((digit) => digit.repeat(32));
const ACCOUNT = "a".repeat(32);

async function start(options: Partial<SandboxOptions>) {
  const data_dir = mkdtempSync(join(tmpdir(), "cloudflare-"));
  const sandbox = await createSandbox({ data_dir, port: 0, ...options });
  onTestFinished(async () => {
    await sandbox.close();
    rmSync(data_dir, { recursive: true });
  });
  const get = async (path: string) => (await fetch(`${sandbox.url}/sandbox${path}`)).json();
  return {
    sandbox,
    edge: createCloudflareEdge(sandbox.cloudflare),
    calls: async () => ((await get("/calls?emulator=cloudflare")) as { calls: { status: number }[] }).calls,
    rules: async () => ((await get("/cloudflare/rules")) as { rules: { scope: { id: string } }[] }).rules,
    /** Somebody makes rules by hand. */
    async plant(rules: readonly object[]) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${sandbox.url}/sandbox/cloudflare/rules`, { method: "POST", headers, body: JSON.stringify(rules) });
      expect(answer.status).toBe(201);
    },
  };
}

describe("the sandbox's Cloudflare", () => {
  it.each([
    ["two zones", { cloudflare_zones: ZONES }, ZONES],
    ["an account", { cloudflare_accounts: [ACCOUNT] }, [ACCOUNT]],
  ])("is blocked, adopted, searched and released for %s, though answers are lost", async (_, options, ids) => {
    const { sandbox, edge, rules } = await start(options);
    expect(edge.scopes.map((scope) => scope.split(":")[1])).toEqual(ids);
    for (const network of ["203.0.113.7", "2001:db8::7", "198.51.100.0/24", "2001:db8:1::/64"]) {
      for (const scope of edge.scopes) {
        sandbox.state.faults.set({ target: "cloudflare", drop: true, times: 1 });
        const made = await edge.block({ scope, network, notes: "Switchboard run 1" }, CALL);
        expect(made).toMatchObject({ created: true, rule: { scope, network, mode: "block" } });
        expect(await edge.block({ scope, network, notes: "Switchboard run 2" }, CALL)).toEqual({ ...made, created: false });
        expect(await edge.get(made.rule, CALL)).toEqual(made.rule);
      }
      const found = (await edge.lookUp([network], CALL)).get(network) ?? [];
      expect(found.map(({ scope }) => scope).sort()).toEqual([...edge.scopes].sort());
      for (const rule of found) {
        sandbox.state.faults.set({ target: "cloudflare", drop: true, times: 1 });
        await edge.release(rule, CALL);
        await edge.release(rule, CALL);
      }
      expect((await edge.lookUp([network], CALL)).get(network)).toEqual([]);
    }
    expect(await rules()).toEqual([]);
  });

  it("shows the account's rules in each zone's list: found once, as the account's, and in no zone's own list", async () => {
    const { edge, plant } = await start({ cloudflare_zones: ZONES, cloudflare_accounts: [ACCOUNT] });
    const network = "203.0.113.7";
    await plant([{ scope: `account:${ACCOUNT}`, mode: "block", configuration: { target: "ip", value: network }, notes: "by hand" }]);
    expect((await edge.lookUp([network], CALL)).get(network)).toMatchObject([{ scope: `account:${ACCOUNT}`, notes: "by hand" }]);
    const [scope = "zone:"] = edge.scopes;
    for await (const page of edge.list(scope, CALL)) expect(page).toEqual([]);
    const { rule, created } = await edge.block({ scope, network, notes: "Switchboard run 1" }, CALL);
    expect({ scope: rule.scope, created }).toEqual({ scope, created: true });
    expect(await edge.block({ scope, network, notes: "Switchboard run 2" }, CALL)).toEqual({ rule, created: false });
    const found = (await edge.lookUp([network], CALL)).get(network) ?? [];
    for (const each of found) await edge.release(each, CALL);
    expect((await edge.lookUp([network], CALL)).get(network)).toEqual([]);
  });

  it("is read to its end with 10,000 rules of others: few calls, one page in memory, and the SDK loaded at the first call", async () => {
    const { sandbox, plant, calls } = await start({});
    const addressOf = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
    const byHand = (at: number) => ({ mode: "block", configuration: { target: "ip", value: addressOf(at) }, notes: `by hand ${at}` });
    await plant(Array.from({ length: 10_000 }, (_, at) => byHand(at)));
    const wanted = Array.from({ length: 100 }, (_, at) => addressOf(at * 150));
    const outcome = await inAnotherProcess({ ...sandbox.cloudflare, wanted });
    expect(outcome).toMatchObject({ listed: 10_000, found: 67 });
    expect(await calls()).toHaveLength(21);
    // Nothing of the SDK, which takes 97 MB, is loaded before it is needed.
    expect(outcome.events[0]).toBe("made");
    expect(outcome.events.indexOf("sdk")).toBe(1);
    expect(outcome.events.at(-1)).toBe("called");
    // The whole list is some 5 MB of JSON and 10 MB of objects; twenty reads of it kept would be 200.
    expect(outcome.grown_mb).toBeLessThan(40);
  });
});
