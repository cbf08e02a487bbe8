import { describe, expect, it } from "vitest";
import { plain, type Reply, raw, text, toPlainText } from "../../core/reply.ts";
import { loadTexts } from "../support/test-desk.ts";

const texts = loadTexts();

const FULL: Reply = {
  tone: "warn",
  title: text("cf.block.blocked", { ip: "203.0.113.7" }),
  fields: [
    { label: text("cf.since"), value: text("moment", { moment: { at: "2026-11-22T00:16:43Z" } }) },
    { label: raw("rule"), value: raw("r-1"), code: true },
  ],
  table: { columns: [text("cf.column.ip"), text("cf.column.status")], rows: [[raw("203.0.113.7"), text("cf.status.blocked")]] },
  lines: [text("ask.how_to_stop"), { per_locale: { en: "Bye.", ko: "안녕.", ru: "Пока." } }],
  undo: { label: text("reply.undo"), line: "cf_release 203.0.113.7" },
  buttons: [{ label: text("confirm.yes"), action: { kind: "confirm", token: "t" } }],
};

describe("an answer", () => {
  it("is said in the person's language and zone, every part of it", () => {
    expect(plain(FULL, texts, "en", "Asia/Seoul")).toEqual({
      tone: "warn",
      title: "203.0.113.7 is blocked",
      fields: [
        { label: "Since", value: "Nov 22, 2026, 09:16 GMT+9" },
        { label: "rule", value: "r-1", code: true },
      ],
      table: { columns: ["Address", "Result"], rows: [["203.0.113.7", "blocked"]] },
      lines: ["Type “cancel” to stop. In a group, reply to this message.", "Bye."],
      undo: { label: "Undo", line: "cf_release 203.0.113.7" },
      buttons: [{ label: "Yes, run it", action: { kind: "confirm", token: "t" } }],
    });
    expect(plain(FULL, texts, "ko", "UTC").lines?.[1]).toBe("안녕.");
    expect(plain(FULL, texts, "ru", "UTC").title).toMatch(/[а-я]/);
  });

  it("has only the parts it was given", () => {
    expect(plain({ tone: "ok", title: raw("hey") }, texts, "en", "UTC")).toEqual({ tone: "ok", title: "hey" });
  });

  it("can be stored and said later", () => {
    const stored: Reply = JSON.parse(JSON.stringify(FULL));
    expect(plain(stored, texts, "ru", "UTC")).toEqual(plain(FULL, texts, "ru", "UTC"));
  });

  it("is lines of text where there is nothing better", () => {
    expect(toPlainText(plain(FULL, texts, "en", "UTC"))).toBe(
      [
        "203.0.113.7 is blocked",
        "Since: Nov 22, 2026, 00:16 UTC",
        "rule: r-1",
        "Address  Result",
        "203.0.113.7  blocked",
        "Type “cancel” to stop. In a group, reply to this message.",
        "Bye.",
        "Undo: cf_release 203.0.113.7",
      ].join("\n"),
    );
  });

  it("shows what people typed as it is, never as markup of ours", () => {
    const typed = "{{ip}} $t(cf.rule) <b>&amp;";
    expect(plain({ tone: "ok", title: text("cf.block.blocked", { ip: typed }) }, texts, "en", "UTC").title).toBe(`${typed} is blocked`);
  });
});
