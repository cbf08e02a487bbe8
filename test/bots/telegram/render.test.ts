import { describe, expect, it } from "vitest";
import { parseCallback } from "../../../bots/telegram/buttons.ts";
import { BUTTON_CHARS, CALLBACK_DATA_BYTES, MESSAGE_CHARS } from "../../../bots/telegram/limits.ts";
import { renderTelegram } from "../../../bots/telegram/render.ts";
import type { ButtonAction, PlainReply } from "../../../core/reply.ts";
import { readHtml } from "../../support/telegram-html.ts";

const UNDO = { label: "Undo", line: "cf_release 203.0.113.7" };
const reply = (parts: Partial<PlainReply>): PlainReply => ({ tone: "ok", title: "Blocked", ...parts });
const FIRST = { delivery_id: "d", page: 1 };
const textOf = (parts: Partial<PlainReply>) => renderTelegram(reply(parts), FIRST).text;

describe("a message", () => {
  it("of somebody's own words is these words and nothing else, whole", () => {
    const said = renderTelegram(reply({ tone: "plain", title: "<b>a</b> & b\r\n*c*" }), FIRST);
    expect(said).toEqual({ text: "&lt;b&gt;a&lt;/b&gt; &amp; b\n*c*", pages: 1 });
    expect(readHtml(textOf({ tone: "plain", title: "&".repeat(MESSAGE_CHARS) }))).toHaveLength(MESSAGE_CHARS);
  });

  it("shows tone, title, lines, fields, a table and the undo line", () => {
    const html = textOf({
      lines: ["It takes effect within a minute."],
      fields: [
        { label: "Address", value: "203.0.113.7", code: true },
        { label: "Until", value: "tomorrow" },
      ],
      table: {
        columns: ["Address", "이유"],
        rows: [
          ["203.0.113.7", "무차별 대입"],
          ["2001:db8::7", "x"],
        ],
      },
      undo: UNDO,
    });
    expect(html.split("\n")).toEqual([
      "✅ <b>Blocked</b>",
      "Address: <code>203.0.113.7</code>",
      "Until: tomorrow",
      "<pre>Address      이유",
      "203.0.113.7  무차별 대입",
      "2001:db8::7  x</pre>",
      "It takes effect within a minute.",
      "Undo: <code>/cf_release 203.0.113.7</code>",
    ]);
  });

  it.each([
    ["ok", "✅"],
    ["info", "ℹ️"],
    ["pending", "⏳"],
    ["warn", "⚠️"],
    ["error", "❌"],
  ] as const)("of tone %s begins with %s", (tone, sign) => {
    expect(textOf({ tone }).startsWith(`${sign} <b>`)).toBe(true);
  });

  it("counts wide characters as two cells, accents as none", () => {
    const rows = [
      ["서울", "|"],
      ["abcd", "|"],
      ["é́x😀", "|"],
    ];
    expect(
      readHtml(textOf({ table: { columns: [], rows } }))
        .split("\n")
        .slice(2),
    ).toEqual(["서울  |", "abcd  |", "é́x😀  |"]);
  });

  it("shows what people typed as typed, never as markup", () => {
    const typed = '<b>&lt; "x" & <a href="http://evil.example">y</a>';
    const html = textOf({
      title: typed,
      lines: [typed],
      fields: [{ label: typed, value: typed, code: true }],
      table: { columns: [typed], rows: [] },
      undo: { label: typed, line: typed },
    });
    expect(readHtml(html).split(typed)).toHaveLength(8);
    expect(html).not.toContain("<a ");
  });

  it("has no characters that Telegram refuses", () => {
    expect(textOf({ title: "a\u0000b\ud83dc\r\nd" })).toBe("✅ <b>a\ufffdb\ufffdc\nd</b>");
  });
});

describe("buttons", () => {
  const button = (action: ButtonAction, label = "Go") => ({ label, action });
  const keyboardOf = (...buttons: ReturnType<typeof button>[]) => renderTelegram(reply({ buttons }), FIRST).reply_markup?.inline_keyboard;
  const TOKEN = "a".repeat(CALLBACK_DATA_BYTES - 2);

  it.each([
    [
      { kind: "confirm", token: TOKEN },
      { kind: "confirm", token: TOKEN },
    ],
    [
      { kind: "cancel", token: "t1" },
      { kind: "cancel", token: "t1" },
    ],
    [
      { kind: "say", line: "cf block 203.0.113.7 c:x" },
      { kind: "text", text: "cf block 203.0.113.7 c:x" },
    ],
    [
      { kind: "say", line: "/차단 203.0.113.7" },
      { kind: "text", text: "/차단 203.0.113.7" },
    ],
  ] as const)("come back as what they were: %j", (action, ask) => {
    const [[pressed] = []] = keyboardOf(button(action)) ?? [];
    expect(pressed).toMatchObject({ text: "Go", callback_data: expect.any(String) });
    expect(parseCallback((pressed as { callback_data: string }).callback_data)).toEqual(ask);
  });

  it("stand side by side for a decision, one below the other for lines", () => {
    const rows = keyboardOf(
      button({ kind: "confirm", token: "t" }),
      button({ kind: "cancel", token: "t" }),
      button({ kind: "say", line: "a" }),
      button({ kind: "say", line: "b" }),
    );
    expect(rows?.map((row) => row.length)).toEqual([2, 1, 1]);
  });

  it("that do not fit are left out, and long words on them cut", () => {
    expect(keyboardOf(button({ kind: "say", line: "가".repeat(21) }), button({ kind: "confirm", token: `${TOKEN}a` }))).toBeUndefined();
    expect(keyboardOf(button({ kind: "say", line: "x" }, "w".repeat(99)))?.[0]?.[0]?.text).toHaveLength(BUTTON_CHARS);
  });

  it.each(["", "c:", "z:abc", "abc", "c"])("of others mean nothing: %j", (data) => {
    expect(parseCallback(data)).toBeNull();
  });
});
