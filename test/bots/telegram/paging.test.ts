import { describe, expect, it } from "vitest";
import { parseCallback } from "../../../bots/telegram/buttons.ts";
import { CALLBACK_DATA_BYTES, CAPTION_CHARS, MESSAGE_CHARS } from "../../../bots/telegram/limits.ts";
import { renderCaption, renderTelegram } from "../../../bots/telegram/render.ts";
import type { PlainReply } from "../../../core/reply.ts";
import { idFrom } from "../../../core/run.ts";
import { readHtml } from "../../support/telegram-html.ts";

const ID = idFrom("a delivery");
const UNDO = { label: "Undo", line: "cf_release 203.0.113.7" };
const reply = (parts: Partial<PlainReply>): PlainReply => ({ tone: "ok", title: "Blocked", ...parts });
const numbers = (count: number) => Array.from({ length: count }, (_, at) => `line ${at} & more`);

/** Every page of an answer as a person reads it, line by line. */
function pagesOf(parts: Partial<PlainReply>): string[][] {
  const { pages } = renderTelegram(reply(parts), { delivery_id: ID, page: 1 });
  return Array.from({ length: pages }, (_, at) => {
    const { text } = renderTelegram(reply(parts), { delivery_id: ID, page: at + 1 });
    expect(text.length).toBeLessThanOrEqual(MESSAGE_CHARS);
    const words = readHtml(text);
    expect(words).not.toMatch(/\p{Surrogate}/u);
    return words.split("\n");
  });
}
const bodyOf = (pages: string[][]) => pages.flatMap(([, ...body]) => body);

describe("an answer that is too long", () => {
  it("is split between lines; each page has the title and its number", () => {
    const pages = pagesOf({ lines: numbers(900) });
    expect(pages.map(([title]) => title)).toEqual(pages.map((_, at) => `✅ Blocked ${at + 1}/${pages.length}`));
    expect(pages.length).toBe(5);
    expect(bodyOf(pages)).toEqual(numbers(900));
  });

  it("fills its pages, and is one page when it just fits", () => {
    const room = MESSAGE_CHARS - "✅ <b>Blocked</b>\n".length;
    expect(pagesOf({ lines: ["x".repeat(room)] })).toHaveLength(1);
    expect(pagesOf({ lines: ["x".repeat(room + 1)] })).toHaveLength(2);
    for (const page of pagesOf({ lines: numbers(900) }).slice(0, -1)) expect(page.join("\n").length).toBeGreaterThan(3_000);
  });

  it("is split between fields, never within an address", () => {
    const fields = Array.from({ length: 300 }, (_, at) => ({ label: "Address", value: `203.0.${at}.7`, code: true }));
    expect(bodyOf(pagesOf({ fields }))).toEqual(fields.map(({ value }) => `Address: ${value}`));
  });

  it("is split between rows; the columns' names and places are the same on each page", () => {
    const rows = Array.from({ length: 400 }, (_, at) => [`203.0.113.${at}`, "무차별 대입"]);
    const pages = pagesOf({ table: { columns: ["Address", "Why"], rows } });
    expect(pages.length).toBeGreaterThan(2);
    for (const [, header] of pages) expect(header).toBe("Address        Why");
    expect(pages.flatMap(([, , ...body]) => body)).toEqual(rows.map(([ip = "", why]) => `${ip.padEnd(15)}${why}`));
  });

  it.each([
    ["one long line", { lines: ["😀".repeat(5000)] }],
    ["nothing but entities", { lines: ["&".repeat(5000)] }],
    ["a long title", { title: "<".repeat(5000) }],
    ["a long value", { fields: [{ label: "l", value: "v ".repeat(5000), code: true }], lines: ["x"] }],
    ["a long label", { fields: [{ label: "l".repeat(5000), value: "v" }] }],
    ["a row as long as a book", { table: { columns: ["n"], rows: [["w ".repeat(5000)], ["x"]] } }],
    ["columns as long as a book", { table: { columns: ["w".repeat(5000)], rows: [["x"]] } }],
  ])("loses nothing: %s", (_, parts: Partial<PlainReply>) => {
    const told = pagesOf(parts).flat().join("").replace(/\s/g, "");
    const { title = "", lines = [], fields = [], table = { columns: [], rows: [] } } = parts;
    for (const words of [
      title,
      ...lines,
      ...fields.flatMap(({ label, value }) => [label, value]),
      ...table.columns,
      ...table.rows.flat(),
    ]) {
      const sign = [...words][0] ?? "";
      const count = (where: string) => where.split(sign).length;
      if (sign !== "") expect(count(told.replace(/Blocked/g, ""))).toBeGreaterThanOrEqual(count(words.replace(/\s/g, "")));
    }
  });

  it("cuts a long line at a space", () => {
    const line = Array.from({ length: 700 }, (_, at) => `203.0.113.${at}`).join(" ");
    const words = bodyOf(pagesOf({ lines: [line] })).flatMap((each) => each.split(" "));
    expect(words).toEqual(line.split(" "));
  });
});

describe("the undo line", () => {
  it("is on every page", () => {
    for (const page of pagesOf({ lines: numbers(900), undo: UNDO })) expect(page.at(-1)).toBe("Undo: /cf_release 203.0.113.7");
  });

  it("of a hundred addresses is whole, at the end", () => {
    const line = `cf_release ${Array.from({ length: 100 }, (_, at) => `203.0.113.${at}`).join(" ")}`;
    const pages = pagesOf({ lines: numbers(300), undo: { label: "Undo", line } });
    expect(pages.flat().filter((each) => each.startsWith("Undo"))).toEqual([`Undo: /${line}`]);
    expect(pages.at(-1)?.at(-1)).toBe(`Undo: /${line}`);
  });

  it("that fits no page is left out, since half of it would undo half", () => {
    expect(
      pagesOf({ lines: ["x"], undo: { label: "Undo", line: "x ".repeat(3000) } })
        .flat()
        .join("\n"),
    ).not.toMatch(/Undo/);
  });
});

describe("the buttons that turn pages", () => {
  const rowOf = (page: number) => {
    const { reply_markup } = renderTelegram(
      reply({ lines: numbers(900), buttons: [{ label: "Yes", action: { kind: "confirm", token: "t" } }] }),
      {
        delivery_id: ID,
        page,
      },
    );
    const rows = (reply_markup?.inline_keyboard ?? []) as { text: string; callback_data: string }[][];
    return { first: rows[0], turns: rows.at(-1) ?? [] };
  };
  const targets = (page: number) => rowOf(page).turns.map(({ callback_data }) => parseCallback(callback_data));
  const to = (page: number) => ({ kind: "page", delivery_id: ID, page });

  it("lead to the first, the one before, the next and the last, and keep their places", () => {
    expect(rowOf(2).turns.map(({ text }) => text)).toEqual(["«", "‹", "2/5", "›", "»"]);
    expect(targets(3)).toEqual([to(1), to(2), null, to(4), to(5)]);
    expect(targets(1)).toEqual([null, null, null, to(2), to(5)]);
    expect(targets(5)).toEqual([to(1), to(4), null, null, null]);
  });

  it("stand below the others, on every page, and fit", () => {
    for (const page of [1, 3, 5]) expect(rowOf(page).first).toMatchObject([{ text: "Yes", callback_data: "c:t" }]);
    for (const { callback_data } of rowOf(4).turns) expect(Buffer.byteLength(callback_data)).toBeLessThanOrEqual(CALLBACK_DATA_BYTES);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [99, 5],
  ])("page %i is page %i", (asked, shown) => {
    expect(rowOf(asked).turns[2]?.text).toBe(`${shown}/5`);
  });

  it("are not there where there is one page", () => {
    expect(renderTelegram(reply({ lines: ["x"] }), { delivery_id: ID, page: 7 })).toEqual({ text: "✅ <b>Blocked</b>\nx", pages: 1 });
  });
});

describe("a file's caption", () => {
  it("is the title and the undo line, however long", () => {
    expect(renderCaption(reply({ undo: UNDO })).text).toBe("✅ <b>Blocked</b>\nUndo: <code>/cf_release 203.0.113.7</code>");
    for (const title of ["<".repeat(5000), "😀".repeat(5000)])
      expect(readHtml(renderCaption(reply({ title, undo: UNDO })).text).length).toBeLessThanOrEqual(CAPTION_CHARS);
  });
});
