import { describe, expect, it } from "vitest";
import { createFaults } from "../../sandbox/faults.ts";
import { ANN, useSandbox } from "./fixture.ts";

const start = useSandbox();
const ZONE = `/zones/${"0".repeat(31)}1/firewall/access_rules/rules`;

describe("faults", () => {
  it("refuse so many calls, each in the platform's own words", async () => {
    const { bot, cf, person } = await start();
    expect((await person("POST", "/faults", { target: "telegram", status: 429, retry_after: 7, times: 2 })).status).toBe(201);
    await person("POST", "/faults", { target: "cloudflare", status: 503, retry_after: 3, times: 1 });
    expect((await bot("getMe")).body).toMatchObject({ error_code: 429, parameters: { retry_after: 7 } });
    expect((await bot("getMe")).status).toBe(429);
    expect((await bot("getMe")).status).toBe(200);
    const { status, headers, body } = await cf("GET", ZONE);
    expect([status, headers.get("retry-after"), body["success"]]).toEqual([503, "3", false]);
    expect((await cf("GET", ZONE)).status).toBe(200);
    const { body: log } = await person("GET", "/calls?emulator=telegram");
    expect(log["calls"]).toMatchObject([{ status: 429, fault: 429 }, { status: 429 }, { status: 200 }]);
    expect((log["calls"] as unknown as object[]).some((call) => "breach" in call)).toBe(false);
  });

  it("drop acts, then cuts the connection", async () => {
    const { bot, cf, says, person } = await start();
    await says("hi");
    await person("POST", "/faults", { target: "telegram", drop: true, times: 1, method: "sendMessage" });
    await person("POST", "/faults", { target: "cloudflare", drop: true, times: 1, method: "POST /zones" });
    expect((await bot("getMe")).status).toBe(200);
    await expect(bot("sendMessage", { chat_id: ANN.id, text: "once" })).rejects.toThrow("fetch failed");
    const { body } = await person("GET", `/telegram/messages?chat_id=${ANN.id}`);
    expect(body["messages"]).toMatchObject([{ text: "once" }]);
    const rule = { mode: "block", configuration: { target: "ip", value: "203.0.113.7" } };
    await expect(cf("POST", ZONE, rule)).rejects.toThrow("fetch failed");
    expect((await cf("GET", ZONE)).body["result"]).toHaveLength(1);
    const { body: log } = await person("GET", "/calls?emulator=telegram&method=sendMessage");
    expect(log["calls"]).toMatchObject([{ status: 200, fault: "drop" }]);
  });

  it("stand side by side, are listed, and are cleared by times 0", async () => {
    const { bot, person } = await start();
    await person("POST", "/faults", { target: "telegram", status: 500, times: 5, method: "getMe" });
    await person("POST", "/faults", { target: "telegram", status: 502, times: 5, method: "getWebhookInfo" });
    expect([(await bot("getWebhookInfo")).status, (await bot("getMe")).status]).toEqual([502, 500]);
    const { body } = await person("POST", "/faults", { target: "telegram", times: 0, method: "getMe" });
    expect(body["faults"]).toEqual([{ target: "telegram", status: 502, times: 4, method: "getWebhookInfo" }]);
    expect((await bot("getMe")).status).toBe(200);
    await person("POST", "/faults", { target: "telegram", times: 0 });
    expect((await bot("getWebhookInfo")).status).toBe(200);
  });

  it("delay, and then go on as ever", async () => {
    const { bot, person } = await start();
    await person("POST", "/faults", { target: "telegram", delay_ms: 20, times: 1 });
    expect((await bot("getMe")).status).toBe(200);
    expect((await person("GET", "/faults")).body["faults"]).toEqual([]);
  });

  it("hit a part of the calls, the same ones for the same seed", () => {
    const run = (seed: number) => {
      const faults = createFaults();
      faults.set({ target: "cloudflare", status: 500, times: 1_000_000, ratio: 0.3, seed });
      return Array.from({ length: 1_000 }, () => faults.take("cloudflare", "GET /user") !== undefined);
    };
    const hits = run(7);
    expect(run(7)).toEqual(hits);
    expect(run(8)).not.toEqual(hits);
    expect(hits.filter(Boolean).length).toBeGreaterThan(250);
    expect(hits.filter(Boolean).length).toBeLessThan(350);
  });

  it.each([
    [{ target: "telegraph", status: 500, times: 1 }, "target"],
    [{ target: "telegram", status: 200, times: 1 }, "status"],
    [{ target: "telegram", status: 500 }, "times"],
    [{ target: "telegram", times: 1 }, "status"],
    [{ target: "telegram", status: 500, drop: true, times: 1 }, "drop"],
    [{ target: "telegram", status: 500, times: 1, ratio: 2 }, "ratio"],
    [{ target: "telegram", status: 500, times: 1, colour: "red" }, ""],
  ])("%j is refused", async (body, path) => {
    const { person } = await start();
    expect(await person("POST", "/faults", body)).toMatchObject({ status: 422, body: { code: "invalid_input", errors: [{ path }] } });
  });
});
