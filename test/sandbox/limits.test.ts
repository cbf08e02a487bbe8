import { describe, expect, it } from "vitest";
import { createBudget as createCloudflareBudget, parseCloudflareBudget } from "../../sandbox/cloudflare/budget.ts";
import { createBudget, parseTelegramLimits, TELEGRAM_LIMITS } from "../../sandbox/telegram/limits.ts";
import { ANN, useSandbox } from "./fixture.ts";

const start = useSandbox();

describe("Telegram's limits, one past each", () => {
  it("30 in any second over all chats", () => {
    const { take } = createBudget(TELEGRAM_LIMITS);
    for (let at = 0; at < 30; at += 1) expect(take(at + 1, 1_000 + at)).toBe(0);
    expect(take(99, 1_999)).toBe(1);
    expect(take(99, 2_000)).toBe(0);
    expect(take(100, 2_000)).toBe(1);
  });

  it("1 in any second to one chat", () => {
    const { take } = createBudget(TELEGRAM_LIMITS);
    expect(take(1, 0.5)).toBe(0);
    expect(take(1, 1_000)).toBe(0.5);
    expect(take(1, 1_000.5)).toBe(0);
  });

  it("20 in any minute to one group, and a refused call counts nothing", () => {
    const { take } = createBudget(TELEGRAM_LIMITS);
    for (let at = 0; at < 20; at += 1) expect(take(-7, at * 1_000)).toBe(0);
    expect(take(-7, 20_000)).toBe(40_000);
    expect(take(-7, 59_999)).toBe(1);
    expect(take(-8, 59_999)).toBe(0);
    expect(take(-7, 60_000)).toBe(0);
  });

  it("are read from the contract's setting", () => {
    expect(parseTelegramLimits("30/s,1/s/chat,20/min/group")).toEqual(TELEGRAM_LIMITS);
    for (const wrong of ["", "30/s", "1/s/chat,30/s,20/min/group", "0/s,1/s/chat,20/min/group", "30/s,1/s/chat,20/min/group,1/s"]) {
      expect(() => parseTelegramLimits(wrong)).toThrow("TELEGRAM_LIMITS must be like");
    }
  });

  it("are answered with 429 and logged as a breach; sends and edits count, the rest does not", async () => {
    const { bot, says, person } = await start({ telegram_limits: { ...TELEGRAM_LIMITS, chat: { limit: 1, window_ms: 600_000 } } });
    await says("hi");
    expect((await bot("sendMessage", { chat_id: ANN.id, text: "one" })).status).toBe(200);
    const edit = { chat_id: ANN.id, message_id: 2, text: "two" };
    const { status, body } = await bot("editMessageText", edit);
    expect(status).toBe(429);
    const seconds = (body["parameters"] as unknown as { retry_after: number }).retry_after;
    expect(body).toEqual({
      ok: false,
      error_code: 429,
      description: `Too Many Requests: retry after ${seconds}`,
      parameters: { retry_after: seconds },
    });
    for (const method of ["getMe", "getUpdates", "getWebhookInfo"]) expect((await bot(method)).status).toBe(200);
    expect((await bot("sendChatAction", { chat_id: ANN.id, action: "typing" })).status).toBe(200);
    const { body: log } = await person("GET", `/calls?emulator=telegram&chat_id=${ANN.id}`);
    expect(log["calls"]).toMatchObject([
      { method: "sendMessage", message_id: 2, status: 200, text: "one" },
      { method: "editMessageText", status: 429, breach: true },
      { method: "sendChatAction", status: 200 },
    ]);
  });
});

describe("Cloudflare's limit", () => {
  it("closes everything for a whole window after one call too many", () => {
    const { take } = createCloudflareBudget(parseCloudflareBudget("1200/300s"));
    for (let at = 0; at < 1_200; at += 1) expect(take(at)).toBe(0);
    expect(take(2_000)).toBe(300_000);
    expect(take(301_999)).toBe(1);
    expect(take(302_000)).toBe(0);
    expect(() => parseCloudflareBudget("1200")).toThrow("CLOUDFLARE_BUDGET must be like 1200/300s");
  });

  it("is answered with 429, code 971 and retry-after", async () => {
    const { cf, person } = await start({ cloudflare_budget: { limit: 2, window_ms: 300_000 } });
    await cf("GET", "/user/tokens/verify");
    await cf("GET", "/user/tokens/verify");
    const { status, headers, body } = await cf("GET", "/user/tokens/verify");
    expect([status, headers.get("retry-after")]).toEqual([429, "300"]);
    expect(body).toMatchObject({ success: false, errors: [{ code: 971 }] });
    const { body: log } = await person("GET", "/calls?emulator=cloudflare");
    expect((log["calls"] as unknown as { breach?: boolean }[]).map(({ breach }) => breach)).toEqual([undefined, undefined, true]);
  });
});
