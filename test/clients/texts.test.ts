import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTexts, loadCatalogues } from "../../clients/texts.ts";
import { raw, text } from "../../core/reply.ts";

const texts = createTexts({
  en: {
    "cf.blocked": "{{ip}} is blocked until {{until}}.",
    cf: { reason: "Reason: {{reason}}", only_en: "Only in English" },
    rules_one: "{{count}} rule",
    rules_other: "{{count}} rules",
    wrapped: "({{inner}})",
    options: "{{lng}} {{context}} {{defaultValue}}",
  },
  ko: { "cf.blocked": "{{until}}까지 {{ip}} 차단됨.", rules_other: "규칙 {{count}}개", wrapped: "«{{inner}}»" },
  ru: {
    "cf.blocked": "{{ip}} заблокирован до {{until}}.",
    rules_one: "{{count}} правило",
    rules_few: "{{count}} правила",
    rules_many: "{{count}} правил",
  },
});
const UNTIL = { at: "2026-11-22T00:16:43Z" };

describe("saying a text", () => {
  it("in the person's language and zone", () => {
    const blocked = text("cf.blocked", { ip: "203.0.113.7", until: UNTIL });
    expect(texts.say(blocked, "en", "UTC")).toBe("203.0.113.7 is blocked until Nov 22, 2026, 00:16 UTC.");
    expect(texts.say(blocked, "ko", "Asia/Seoul")).toMatch(/^2026년 11월 22일 09:16 GMT\+9까지 203\.0\.113\.7 차단됨\.$/);
    expect(texts.say(blocked, "ru", "Europe/Moscow")).toMatch(/^203\.0\.113\.7 заблокирован до 22 нояб\. 2026.+03:16 GMT\+3\.$/);
  });

  it("to the second where that is asked for, in one sentence with what is shown to the minute", () => {
    const blocked = text("cf.blocked", { ip: UNTIL, until: { ...UNTIL, seconds: true } });
    expect(texts.say(blocked, "en", "UTC")).toBe("Nov 22, 2026, 00:16 UTC is blocked until Nov 22, 2026, 00:16:43 UTC.");
  });

  it("with the plural of the language", () => {
    const say = (count: number, locale: "en" | "ko" | "ru") => texts.say(text("rules", { count }), locale, "UTC");
    expect([say(1, "en"), say(2, "en"), say(0, "en")]).toEqual(["1 rule", "2 rules", "0 rules"]);
    expect([say(1, "ko"), say(5, "ko")]).toEqual(["규칙 1개", "규칙 5개"]);
    expect([say(1, "ru"), say(3, "ru"), say(11, "ru"), say(21, "ru")]).toEqual(["1 правило", "3 правила", "11 правил", "21 правило"]);
  });

  it("with texts inside texts, in the same language", () => {
    const inner = text("rules", { count: 2 });
    expect(texts.say(text("wrapped", { inner: text("wrapped", { inner }) }), "ru", "UTC")).toBe("((2 правила))");
    expect(texts.say(text("wrapped", { inner }), "ko", "UTC")).toBe("«규칙 2개»");
  });

  it("as it is, where it needs no translation", () => {
    expect(texts.say(raw("{{ip}} <b>"), "ko", "UTC")).toBe("{{ip}} <b>");
    expect(texts.say({ per_locale: { en: "help", ko: "도움말", ru: "помощь" } }, "ko", "UTC")).toBe("도움말");
  });
});

describe("what people typed", () => {
  it.each(["{{reason}}", "$t(cf.only_en)", "$& $1 $$", "<b>&amp;</b>", "{{- ip}}", "__proto__"])("is no markup: %s", (reason) => {
    expect(texts.say(text("cf.reason", { reason }), "en", "UTC")).toBe(`Reason: ${reason}`);
  });

  it("is no option either", () => {
    expect(texts.say(text("options", { lng: "ko", context: "x", defaultValue: "y" }), "en", "UTC")).toBe("ko x y");
  });
});

describe("what is missing", () => {
  it("in a language is said in English", () => {
    expect(texts.say(text("cf.only_en"), "ru", "UTC")).toBe("Only in English");
    expect([texts.has("cf.only_en", "en"), texts.has("cf.only_en", "ru")]).toEqual([true, false]);
  });

  it("everywhere is said as its key, and nothing throws", () => {
    for (const key of ["no.such.key", "constructor", "__proto__", "toString", ""]) expect(texts.say(text(key), "ko", "UTC")).toBe(key);
    expect(texts.say(text("wrapped", { inner: { at: "yesterday" } }), "en", "UTC")).toBe("(yesterday)");
    expect(texts.say(text("wrapped", { inner: UNTIL }), "en", "Mars/Olympus")).toBe("(Nov 22, 2026, 00:16 UTC)");
    expect(() => texts.say(text("wrapped"), "en", "UTC")).not.toThrow();
  });

  it("a plural is there when every form of whole numbers is", () => {
    expect((["en", "ko", "ru"] as const).map((locale) => texts.has("rules", locale))).toEqual([true, true, true]);
    const poor = createTexts({ en: {}, ko: {}, ru: { rules_one: "правило", rules_many: "правил" } });
    expect(poor.has("rules", "ru")).toBe(false);
  });
});

describe("loading catalogues", () => {
  const folderWith = (files: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), "texts-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return folder;
  };

  it("reads one file a language", () => {
    const loaded = createTexts(loadCatalogues(folderWith({ "en.json": '{"a":{"b":"x"}}', "ko.json": '{"a.b":"y"}', "ru.json": "{}" })));
    expect((["en", "ko", "ru"] as const).map((locale) => loaded.say(text("a.b"), locale, "UTC"))).toEqual(["x", "y", "x"]);
  });

  it("names the file that is wrong", () => {
    expect(() => loadCatalogues(folderWith({ "en.json": "{}", "ko.json": '{"a":1}', "ru.json": "{}" }))).toThrow("ko.json");
    expect(() => loadCatalogues(folderWith({ "en.json": "{}", "ko.json": "{}" }))).toThrow("ru.json");
  });
});
