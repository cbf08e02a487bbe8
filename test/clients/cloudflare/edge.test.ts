import { describe, expect, it } from "vitest";
import { allOf, CALL, refusalOf, startFake, ZONE } from "./fake.ts";

const IP = "203.0.113.7";
const rule = (network: string, run = 1, scope: `zone:${string}` | `account:${string}` = ZONE) => ({
  scope,
  network,
  notes: `Switchboard run ${run}`,
});
const thrice = <T>(fault: T): readonly T[] => [fault, fault, fault];

describe("blocking an address", () => {
  it("takes one call, and the rule is found, read and released by its id", async () => {
    const { cloudflare, edge } = await startFake();
    const made = await edge.block(rule(IP), CALL);
    expect(made).toMatchObject({ created: true, rule: { scope: ZONE, network: IP, mode: "block", notes: "Switchboard run 1" } });
    expect(cloudflare.calls).toEqual(["POST"]);
    expect([...(await edge.lookUp([IP, "203.0.113.77"], CALL))]).toEqual([
      [IP, [made.rule]],
      ["203.0.113.77", []],
    ]);
    expect(await edge.get(made.rule, CALL)).toEqual(made.rule);
    await edge.release(made.rule, CALL);
    expect(cloudflare.rules).toEqual([]);
    await edge.release(made.rule, CALL);
    expect(await edge.get(made.rule, CALL)).toBeNull();
  });

  it.each([
    ["2001:db8::7", "ip6", "2001:0db8:0000:0000:0000:0000:0000:0007"],
    ["203.0.113.0/24", "ip_range", "203.0.113.0/24"],
    ["203.0.0.0/16", "ip_range", "203.0.0.0/16"],
    ["2001:db8::/48", "ip_range", "2001:0db8:0000:0000:0000:0000:0000:0000/48"],
  ])("or a range works: %s, which Cloudflare keeps as %s %s", async (network, target, value) => {
    const { cloudflare, edge } = await startFake();
    const made = await edge.block(rule(network), CALL);
    expect(cloudflare.rules[0]?.configuration).toEqual({ target, value });
    expect(made.rule.network).toBe(network);
    expect((await edge.lookUp([network], CALL)).get(network)).toEqual([made.rule]);
    expect(await edge.block(rule(network), CALL)).toEqual(made);
    expect(await edge.block(rule(network, 2), CALL)).toEqual({ ...made, created: false });
  });

  it("adopts the rule that is there", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.plant("block", IP);
    const { rule: adopted, created } = await edge.block(rule(IP, 2), CALL);
    expect({ id: adopted.rule_id, notes: adopted.notes, created }).toEqual({ id: "planted", notes: "by hand", created: false });
  });

  it("does not touch a rule of another mode, and says so; a lookup shows it", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.plant("whitelist", IP);
    const error = await refusalOf(edge.block(rule(IP), CALL));
    expect(error).toMatchObject({ code: "upstream_refused", text: { key: "cf.other_mode", params: { mode: "whitelist" } } });
    expect((await edge.lookUp([IP], CALL)).get(IP)).toMatchObject([{ mode: "whitelist", notes: "by hand" }]);
  });

  it("cuts notes that are too long, and knows the rule again all the same", async () => {
    const { cloudflare, edge } = await startFake();
    const long = { ...rule(IP), notes: `  Switchboard run 1 ${"🚫".repeat(600)}` };
    expect(await edge.block(long, CALL)).toMatchObject({ created: true });
    expect([...(cloudflare.rules[0]?.notes ?? "")]).toHaveLength(500);
    expect(await edge.block(long, CALL)).toMatchObject({ created: true });
  });

  it("is done in the scope that is named, and in no other", async () => {
    const { cloudflare, edge } = await startFake({ scopes: [ZONE, "zone:zone-2", "account:account-1"] });
    for (const scope of edge.scopes) expect(await edge.block(rule(IP, 1, scope), CALL)).toMatchObject({ created: true, rule: { scope } });
    expect(cloudflare.rules.map(({ home }) => home)).toEqual(["zones/zone-1", "zones/zone-2", "accounts/account-1"]);
    const found = (await edge.lookUp([IP], CALL)).get(IP) ?? [];
    expect(found.map(({ scope }) => scope).sort()).toEqual(["account:account-1", ZONE, "zone:zone-2"]);
    for (const each of found) await edge.release(each, CALL);
    expect(cloudflare.rules).toEqual([]);
  });
});

describe("when Cloudflare is in trouble", () => {
  it("a 500 is tried three times, then it is unavailable", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail(...thrice({ status: 500 }));
    expect(await refusalOf(edge.block(rule(IP), CALL))).toMatchObject({ code: "upstream_unavailable" });
    expect(cloudflare.calls).toEqual(["POST", "POST", "POST", "GET"]);
  });

  it("when it is down, nothing is known and nothing is left open", async () => {
    const { cloudflare, edge: down } = await startFake();
    await cloudflare.stop();
    const works = [
      () => down.lookUp([IP], CALL),
      () => down.block(rule(IP), CALL),
      () => down.release({ scope: ZONE, rule_id: "rule-1" }, CALL),
      () => down.get({ scope: ZONE, rule_id: "rule-1" }, CALL),
      () => allOf(down.list(ZONE, CALL)),
    ];
    for (const work of works) expect(await refusalOf(work())).toMatchObject({ code: "upstream_unavailable" });
    await cloudflare.start();
  });

  it("an abort ends the call", async () => {
    const { cloudflare, edge } = await startFake();
    const call = { ...CALL, signal: AbortSignal.abort() };
    expect(await refusalOf(edge.block(rule(IP), call))).toMatchObject({ code: "upstream_unavailable" });
    expect(await refusalOf(edge.lookUp([IP], call))).toMatchObject({ code: "upstream_unavailable" });
    expect(cloudflare.calls).toEqual([]);
  });

  it("an answer of another form is no answer: what was asked for is looked up", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.plant("block", "203.0.113.8");
    Object.assign(cloudflare.rules[0] ?? {}, { mode: 7 });
    expect(await refusalOf(edge.lookUp([IP], CALL))).toMatchObject({
      code: "upstream_unavailable",
      message: expect.stringContaining("unknown form"),
    });
  });
});

describe("what is set wrong", () => {
  it.each(["another-secret", "secret\nwith a line break"])("a wrong token is told, and never shown: %j", async (token) => {
    const { edgeWith } = await startFake();
    const error = await refusalOf(edgeWith({ token }).lookUp([IP], CALL));
    expect(error.code).toBe(token.includes("\n") ? "upstream_unavailable" : "upstream_refused");
    if (error.code === "upstream_refused")
      expect(error).toMatchObject({ text: { key: "cf.token_refused" }, message: expect.stringContaining("10000") });
  });

  it("a wrong zone is not a rule that is gone", async () => {
    const { edge } = await startFake();
    const lost = { scope: "zone:zone-9", rule_id: "rule-1" } as const;
    for (const work of [() => edge.release(lost, CALL), () => edge.get(lost, CALL)])
      expect(await refusalOf(work())).toMatchObject({ code: "upstream_refused", message: expect.stringContaining("7003") });
  });

  it("variables of the SDK's own change nothing", async () => {
    const { edge } = await startFake();
    const names = ["API_TOKEN", "EMAIL", "API_KEY", "API_USER_SERVICE_KEY", "BASE_URL", "CUSTOM_HEADERS", "LOG"].map(
      (n) => `CLOUDFLARE_${n}`,
    );
    for (const name of names) process.env[name] = name === "CLOUDFLARE_CUSTOM_HEADERS" ? "x-stray: 1\nauthorization: Bearer no" : "debug";
    try {
      expect((await edge.lookUp([IP], CALL)).get(IP)).toEqual([]);
    } finally {
      for (const name of names) delete process.env[name];
    }
  });
});
