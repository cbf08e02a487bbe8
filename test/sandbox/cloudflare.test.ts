import { describe, expect, it } from "vitest";
import { useSandbox, type World } from "./fixture.ts";

const start = useSandbox();
const ZONE = `/zones/${"0".repeat(31)}1/firewall/access_rules/rules`;
const ACCOUNT = `/accounts/${"0".repeat(31)}a/firewall/access_rules/rules`;

const about = (target: string, value: unknown, mode = "block") => ({ mode, configuration: { target, value }, notes: "" });

async function create({ cf }: World, value: string, notes = "", mode = "block"): Promise<string> {
  const { body } = await cf("POST", ZONE, { ...about("ip", value, mode), notes });
  return (body["result"] as unknown as { id: string }).id;
}

async function values({ cf }: World, query: string): Promise<string[]> {
  const { body } = await cf("GET", `${ZONE}?${query}`);
  return (body["result"] as unknown as { configuration: { value: string } }[]).map(({ configuration }) => configuration.value);
}

describe("Cloudflare refuses", () => {
  it.each([
    [{}, 400, 9106],
    [{ authorization: "token" }, 400, 6003],
    [{ authorization: "Bearer wrong" }, 403, 9109],
    [{ "x-auth-email": "a@example.com", "x-auth-key": "k" }, 403, 9103],
  ])("headers %j", async (headers, status, code) => {
    const { cf } = await start();
    const answer = { status, body: { success: false, result: null, errors: [{ code }], messages: [] } };
    expect(await cf("GET", ZONE, undefined, headers as Record<string, string>)).toMatchObject(answer);
  });

  it("to verify a wrong token, unknown zones, accounts and paths", async () => {
    const { cf } = await start();
    expect(await cf("GET", "/user/tokens/verify", undefined, { authorization: "Bearer wrong" })).toMatchObject({
      status: 401,
      body: { errors: [{ code: 1000, message: "Invalid API Token" }] },
    });
    expect((await cf("GET", "/user/tokens/verify")).body).toMatchObject({ success: true, result: { status: "active" } });
    for (const path of [ZONE.replace("01/", "02/"), ACCOUNT.replace("0a/", "0b/")]) {
      expect(await cf("GET", path)).toMatchObject({ status: 404, body: { errors: [{ code: 7003 }] } });
    }
    expect(await cf("GET", "/zones")).toMatchObject({ status: 404, body: { errors: [{ code: 7000 }] } });
  });

  it.each([
    [about("ip", "203.0.113.7", "ban"), "invalid mode received: ban"],
    [{}, "unsupported target received: ,invalid mode received: "],
    [about("host", "a"), "unsupported target received: host"],
    [about("ip", "203.0.113.300"), "invalid ip provided"],
    [about("ip", "2001:db8::1"), "invalid ip provided"],
    [about("ip", "203.0.113.0/24"), "invalid ip provided"],
    [about("ip", 7), "invalid ip provided"],
    [about("ip6", "203.0.113.7"), "invalid ip provided"],
    [about("ip6", "fe80::1%eth0"), "invalid ip provided"],
    [about("ip_range", "203.0.113.0/25"), "invalid ip provided"],
    [about("ip_range", "203.0.113.7/24"), "invalid ip provided"],
    [about("ip_range", "2001:db8::/56"), "invalid ip provided"],
    [about("asn", "13335"), "invalid asn provided"],
    [about("country", "KOR"), "invalid country provided"],
    [{ ...about("ip", "203.0.113.7"), notes: 5 }, "invalid notes provided"],
  ])("%j", async (body, reasons) => {
    const { cf } = await start();
    const message = `firewallaccessrules.api.validation_error:${reasons}`;
    expect(await cf("POST", ZONE, body)).toMatchObject({ status: 400, body: { errors: [{ code: 10001, message }] } });
    expect((await cf("GET", ZONE)).body["result"]).toEqual([]);
  });

  it("notes that are longer than it says", async () => {
    const world = await start();
    const id = await create(world, "203.0.113.7", "🚫".repeat(500));
    const tooLong = { ...about("ip", "203.0.113.8"), notes: "n".repeat(501) };
    expect((await world.cf("POST", ZONE, tooLong)).status).toBe(400);
    expect((await world.cf("PATCH", `${ZONE}/${id}`, { notes: tooLong.notes })).status).toBe(400);
  });

  it("a second rule for one address and scope, in any spelling", async () => {
    const { cf } = await start();
    expect((await cf("POST", ZONE, about("ip6", "2001:db8::1"))).body).toMatchObject({
      result: { configuration: { value: "2001:0db8:0000:0000:0000:0000:0000:0001" }, scope: { type: "zone" } },
    });
    expect(await cf("POST", ZONE, about("ip6", "2001:DB8:0::1", "whitelist"))).toMatchObject({
      status: 400,
      body: { errors: [{ code: 10009, message: "firewallaccessrules.api.duplicate_of_existing" }] },
    });
    expect((await cf("POST", ACCOUNT, about("ip6", "2001:db8::1"))).status).toBe(200);
    expect((await cf("POST", "/user/firewall/access_rules/rules", about("ip6", "2001:db8::1"))).status).toBe(200);
  });

  it("to get, edit or delete what is not there, also of another scope", async () => {
    const world = await start();
    const id = await create(world, "203.0.113.7");
    const gone = { status: 404, body: { errors: [{ code: 10001, message: "firewallaccessrules.api.not_found" }] } };
    expect(await world.cf("DELETE", `${ACCOUNT}/${id}`)).toMatchObject(gone);
    expect(await world.cf("DELETE", `${ZONE}/${id}`)).toMatchObject({ status: 200, body: { result: { id } } });
    for (const method of ["DELETE", "GET", "PATCH"]) {
      expect(await world.cf(method, `${ZONE}/${id}`, method === "PATCH" ? {} : undefined)).toMatchObject(gone);
    }
    expect(await create(world, "203.0.113.7")).not.toBe(id);
  });
});

describe("Cloudflare keeps rules", () => {
  it("and edits mode and notes, not what they are about", async () => {
    const world = await start();
    const id = await create(world, "203.0.113.7", "first");
    expect((await world.cf("PATCH", `${ZONE}/${id}`, { mode: "challenge" })).body).toMatchObject({
      result: { id, mode: "challenge", notes: "first" },
    });
    expect((await world.cf("PATCH", `${ZONE}/${id}`, { mode: "ban" })).status).toBe(400);
    expect((await world.cf("PATCH", `${ZONE}/${id}`, about("ip", "203.0.113.8"))).status).toBe(400);
    const { body } = await world.person("GET", "/cloudflare/rules");
    expect(body["rules"]).toMatchObject([{ id, mode: "challenge", configuration: { target: "ip", value: "203.0.113.7" } }]);
  });

  it("and lists them by page, filter and order", async () => {
    const world = await start();
    for (let at = 1; at <= 5; at += 1) await create(world, `203.0.113.${at}`, `Attack ${at}`, at === 5 ? "whitelist" : "block");
    const { body } = await world.cf("GET", `${ZONE}?page=2&per_page=1`);
    expect(body["result_info"]).toEqual({ page: 2, per_page: 1, count: 1, total_count: 5, total_pages: 5 });
    expect(await values(world, "page=2&per_page=5")).toEqual([]);
    expect(await values(world, "configuration.target=ip&configuration.value=203.0.113.3")).toEqual(["203.0.113.3"]);
    expect(await values(world, "configuration_target=ip&configuration_value=203.0.113.3")).toEqual(["203.0.113.3"]);
    expect(await values(world, "notes=attack%202")).toEqual(["203.0.113.2"]);
    expect(await values(world, "mode=whitelist&notes=2&match=any")).toEqual(["203.0.113.2", "203.0.113.5"]);
    expect(await values(world, "mode=whitelist&notes=2&match=all")).toEqual([]);
    expect((await values(world, "order=configuration.value&direction=desc"))[0]).toBe("203.0.113.5");
    expect((await values(world, "order=configuration.value&direction=asc"))[0]).toBe("203.0.113.1");
    expect(await values(world, "scope_type=organization")).toEqual([]);
    for (const query of ["per_page=1001", "per_page=1005", "per_page=2", "per_page=0", "page=0", "mode=ban", "match=some"]) {
      expect((await world.cf("GET", `${ZONE}?${query}`)).status).toBe(400);
    }
  });

  it("and shows in a zone's list what holds there: the account's rules too, that only the account can remove", async () => {
    const world = await start();
    await create(world, "203.0.113.7");
    const made = (await world.cf("POST", ACCOUNT, about("ip", "198.51.100.7"))).body["result"] as unknown as { id: string };
    expect(made).toMatchObject({ scope: { type: "organization", id: `${"0".repeat(31)}a` } });
    expect(await values(world, "")).toEqual(["203.0.113.7", "198.51.100.7"]);
    expect(await values(world, "order=configuration.value&direction=asc")).toEqual(["198.51.100.7", "203.0.113.7"]);
    expect(await values(world, "scope_type=zone")).toEqual(["203.0.113.7"]);
    expect((await world.cf("GET", ACCOUNT)).body["result_info"]).toMatchObject({ total_count: 1 });
    expect((await world.cf("DELETE", `${ZONE}/${made.id}`)).status).toBe(404);
  });
});

describe("somebody at Cloudflare's dashboard", () => {
  it("makes rules, one or many, and removes them", async () => {
    const { cf, person } = await start();
    const one = await person("POST", "/cloudflare/rules", { ...about("ip", "203.0.113.7", "whitelist"), notes: "the office" });
    expect(one.status).toBe(201);
    const [id] = one.body["rule_ids"] as unknown as string[];
    expect((await cf("GET", `${ZONE}/${id}`)).body).toMatchObject({ result: { mode: "whitelist", notes: "the office" } });
    const scope = `account:${"0".repeat(31)}a`;
    const many = [about("asn", "AS64496"), about("ip6", "2001:db8::1"), { ...about("country", "kr"), scope }];
    expect((await person("POST", "/cloudflare/rules", many)).body["rule_ids"]).toHaveLength(3);
    expect((await cf("GET", ACCOUNT)).body["result"]).toMatchObject([{ configuration: { target: "country", value: "KR" } }]);
    expect((await person("DELETE", `/cloudflare/rules/${id}`)).status).toBe(204);
    expect((await person("DELETE", `/cloudflare/rules/${id}`)).status).toBe(404);
    expect((await cf("GET", `${ZONE}/${id}`)).status).toBe(404);
  });

  it.each([
    ["what is no rule", { mode: "block" }, "configuration"],
    ["a rule that is not valid", [about("ip", "203.0.113.7"), about("ip", "203.0.113.300")], "1"],
    ["one that is there twice", [about("ip6", "2001:db8::1"), about("ip6", "2001:db8:0::1")], "1"],
    ["a zone that is none", { ...about("ip", "203.0.113.7"), scope: `zone:${"f".repeat(32)}` }, "rule.scope"],
    ["too many", Array.from({ length: 10_001 }, () => about("ip", "203.0.113.7")), ""],
  ])("is refused %s, and nothing is made", async (_, body, path) => {
    const { person } = await start();
    const answer = await person("POST", "/cloudflare/rules", body);
    expect(answer.status).toBe(422);
    expect((answer.body["errors"] as unknown as { path: string }[])[0]?.path).toContain(path);
    expect((await person("GET", "/cloudflare/rules")).body["rules"]).toEqual([]);
  });

  it("makes 20,000 rules, which are there after a restart, found at once and listed by page", async () => {
    const { sandbox, data_dir, person } = await start();
    const address = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
    for (const from of [0, 10_000])
      await person(
        "POST",
        "/cloudflare/rules",
        Array.from({ length: 10_000 }, (_, at) => about("ip", address(from + at))),
      );
    await sandbox.close();
    const world = await start({ data_dir });
    const { body } = await world.cf("GET", `${ZONE}?per_page=1000&page=20&order=configuration.value&direction=asc`);
    expect(body["result_info"]).toEqual({ page: 20, per_page: 1_000, count: 1_000, total_count: 20_000, total_pages: 20 });
    expect(await values(world, `configuration.target=ip&configuration.value=${address(12_345)}`)).toEqual([address(12_345)]);
    expect((await world.cf("POST", ZONE, about("ip", address(19_999)))).status).toBe(400);
  });
});
