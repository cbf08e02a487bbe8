import { describe, expect, it } from "vitest";
import { allOf, CALL, refusalOf, startFake, ZONE } from "./fake.ts";

const addresses = (count: number) => Array.from({ length: count }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
const rule = (network: string, run = 1) => ({ scope: ZONE, network, notes: `Switchboard run ${run}` }) as const;

/** A fake that holds so many rules of others. */
async function startWith(count: number) {
  const fake = await startFake();
  for (const [at, value] of addresses(count).entries())
    fake.cloudflare.rules.push({
      id: `old-${at}`,
      home: "zones/zone-1",
      mode: "block",
      notes: "by hand",
      created_on: "2026-11-01T00:00:00Z",
      configuration: { target: "ip", value },
    });
  return fake;
}

describe("a lookup", () => {
  it("finds the rule of the address itself and the ranges around it, of every mode", async () => {
    const { cloudflare, edge } = await startFake();
    for (const network of ["203.0.113.7", "203.0.113.0/24", "2001:db8::/32"]) await edge.block(rule(network), CALL);
    cloudflare.plant("whitelist", "203.0.0.0/16", "ip_range");
    cloudflare.plant("block", "203.0.0.0/12", "ip_range");
    cloudflare.plant("block", "AS64496", "asn");
    cloudflare.plant("block", "KR", "country");
    const wanted = ["203.0.113.7", "203.0.113.0/24", "203.0.113.16/28", "203.1.0.1", "2001:db8:1:2::3", "198.51.100.1"];
    const found = await edge.lookUp(wanted, CALL);
    const shown = [...found].map(([network, rules]) => [network, ...rules.map((each) => each.network).sort()]);
    expect(shown).toEqual([
      ["203.0.113.7", "203.0.0.0/12", "203.0.0.0/16", "203.0.113.0/24", "203.0.113.7"],
      ["203.0.113.0/24", "203.0.0.0/12", "203.0.0.0/16", "203.0.113.0/24"],
      ["203.0.113.16/28", "203.0.0.0/12", "203.0.0.0/16", "203.0.113.0/24"],
      ["203.1.0.1", "203.0.0.0/12"],
      ["2001:db8:1:2::3", "2001:db8::/32"],
      ["198.51.100.1"],
    ]);
  });

  it("of nothing asks nothing", async () => {
    const { cloudflare, edge } = await startFake();
    expect([...(await edge.lookUp([], CALL))]).toEqual([]);
    expect(cloudflare.calls).toEqual([]);
  });

  it("takes one call where everything is on one page", async () => {
    const { cloudflare, edge } = await startWith(900);
    const found = await edge.lookUp(["10.0.0.7", "10.0.1.7", "192.0.2.1", "2001:db8::1"], CALL);
    expect([...found.values()].map((rules) => rules.length)).toEqual([1, 1, 0, 0]);
    expect(cloudflare.calls).toHaveLength(1);
  });

  it("reads ten pages for a hundred addresses among ten thousand rules, and asks three times for one", async () => {
    const { cloudflare, edge } = await startWith(10_000);
    const wanted = [...addresses(10_000).filter((_, at) => at % 200 === 0), ...addresses(50).map((ip) => ip.replace("10.", "192."))];
    const found = await edge.lookUp(wanted, CALL);
    expect([...found.values()].filter((rules) => rules.length === 1)).toHaveLength(50);
    expect(cloudflare.calls).toHaveLength(10);
    const pages = cloudflare.urls.map(({ searchParams }) => searchParams.get("page"));
    expect(pages).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    expect((await edge.lookUp(["10.0.5.5"], CALL)).get("10.0.5.5")).toMatchObject([{ rule_id: "old-1285" }]);
    expect(cloudflare.calls).toHaveLength(13);
  });

  it("asks once in vain for the first page of a long list, then for what it wants", async () => {
    const { cloudflare, edge } = await startWith(6_000);
    await edge.lookUp(["10.0.5.5"], CALL);
    expect(cloudflare.calls).toHaveLength(4);
    await edge.lookUp(["10.0.5.6"], CALL);
    expect(cloudflare.calls).toHaveLength(7);
  });

  it("writes IPv6 in both forms until it has seen the one that is kept", async () => {
    const { cloudflare, edge } = await startWith(9_000);
    cloudflare.plant("block", "2001:0db8:0000:0000:0000:0000:0000:0007", "ip6");
    await edge.lookUp(["2001:db8::7"], CALL);
    const asked = cloudflare.urls.slice(1).map(({ searchParams }) => searchParams.get("configuration.value"));
    expect(asked).toHaveLength(7);
    expect(asked).toContain("2001:0db8:0000:0000:0000:0000:0000:0000/48");
    expect(asked).toContain("2001:db8::/48");
    await edge.lookUp(["2001:db9::7"], CALL);
    expect(cloudflare.calls).toHaveLength(1 + 7 + 4);
  });

  it("misses nothing when rules are removed while it reads", async () => {
    const { cloudflare, edge } = await startWith(3_000);
    const pages = edge.list(ZONE, CALL);
    const seen = new Set<string>();
    let removed = false;
    for await (const page of pages) {
      for (const { rule_id } of page) seen.add(rule_id);
      if (!removed) cloudflare.rules.splice(100, 50);
      removed = true;
    }
    expect(cloudflare.rules.filter(({ id }) => !seen.has(id))).toEqual([]);
    expect(cloudflare.calls).toHaveLength(5);
  });
});

describe("what is wanted twice at the same moment", () => {
  it("is looked up once, and again after it is over", async () => {
    const { cloudflare, edge } = await startFake();
    const asked = [edge.lookUp(["203.0.113.7", "203.0.113.8"], CALL), edge.lookUp(["203.0.113.8", "203.0.113.7"], CALL)];
    const [one, other] = await Promise.all(asked);
    expect([...(one ?? [])].sort()).toEqual([...(other ?? [])].sort());
    expect(cloudflare.calls).toHaveLength(1);
    await edge.lookUp(["203.0.113.7", "203.0.113.8"], CALL);
    expect(cloudflare.calls).toHaveLength(2);
  });

  it("is looked up anew by who has just changed something", async () => {
    const { edge } = await startFake();
    const before = edge.lookUp(["203.0.113.7"], CALL);
    await edge.block(rule("203.0.113.7"), CALL);
    expect((await edge.lookUp(["203.0.113.7"], CALL)).get("203.0.113.7")).toHaveLength(1);
    await before;
  });

  it("is blocked once: the second is told that it was there, the same run that it did it", async () => {
    const { cloudflare, edge } = await startFake();
    const works = [rule("203.0.113.7", 1), rule("203.0.113.7", 2), rule("203.0.113.7", 1)].map((each) => edge.block(each, CALL));
    const outcomes = await Promise.all(works);
    expect(outcomes.map(({ created }) => created)).toEqual([true, false, true]);
    expect(new Set(outcomes.map((each) => each.rule.rule_id)).size).toBe(1);
    expect(cloudflare.calls).toEqual(["POST"]);
  });

  it("goes on for the other when one is told to stop, and ends when both are", async () => {
    const { cloudflare, edge } = await startFake();
    const stop = new AbortController();
    const first = refusalOf(edge.block(rule("203.0.113.7", 1), { ...CALL, signal: stop.signal }));
    const second = edge.block(rule("203.0.113.7", 2), CALL);
    stop.abort();
    expect(await first).toMatchObject({ code: "outcome_unknown" });
    expect(await second).toMatchObject({ created: false, rule: { notes: "Switchboard run 1" } });
    expect(cloudflare.rules).toHaveLength(1);
    const both = [1, 2].map(() => refusalOf(edge.lookUp(["203.0.113.8"], { ...CALL, signal: AbortSignal.timeout(0) })));
    for (const error of await Promise.all(both)) expect(error.code).toBe("upstream_unavailable");
  });

  it("fails for both alike", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail({ status: 429, headers: { "retry-after": "7" } });
    const works = [1, 2].map((run) => refusalOf(edge.block(rule("203.0.113.7", run), CALL)));
    expect(await Promise.all(works)).toMatchObject([{ code: "rate_limited" }, { code: "rate_limited" }]);
    expect(cloudflare.calls).toEqual(["POST"]);
  });
});

describe("a full list", () => {
  it("comes page by page, and only the pages that are wanted are asked for", async () => {
    const { cloudflare, edge } = await startWith(2_500);
    expect(await allOf(edge.list(ZONE, CALL))).toHaveLength(2_500);
    expect(cloudflare.calls).toHaveLength(3);
    for await (const page of edge.list(ZONE, CALL)) {
      expect(page).toHaveLength(1_000);
      break;
    }
    expect(cloudflare.calls).toHaveLength(4);
  });

  it("fails in the middle as anything does", async () => {
    const { cloudflare, edge } = await startWith(2_500);
    cloudflare.fail({ status: 0 }, { status: 403 });
    expect(await refusalOf(allOf(edge.list(ZONE, CALL)))).toMatchObject({ code: "upstream_refused", text: { key: "cf.token_refused" } });
  });
});
