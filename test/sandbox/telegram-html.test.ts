import { describe, expect, it } from "vitest";
import { parseHtml } from "../../sandbox/telegram/html.ts";
import { findEntities } from "../../sandbox/telegram/text.ts";

describe("Telegram's HTML", () => {
  it.each([
    ["a &lt;b&gt; &amp; &quot;c&quot; &#8364;&#x20ac;", 'a <b> & "c" €€', []],
    ["&nbsp;&ge; &#12345678;", "&nbsp;&ge; &#12345678;", []],
    ["<b>x</b>", "x", [{ type: "bold", offset: 0, length: 1 }]],
    ["<STRONG>x</strong>", "x", [{ type: "bold", offset: 0, length: 1 }]],
    ["😀<i>y</i>", "😀y", [{ type: "italic", offset: 2, length: 1 }]],
    [
      "<u>a</u><ins>b</ins>",
      "ab",
      [
        { type: "underline", offset: 0, length: 1 },
        { type: "underline", offset: 1, length: 1 },
      ],
    ],
    ["<s>a</s>", "a", [{ type: "strikethrough", offset: 0, length: 1 }]],
    ['<span class="tg-spoiler">a</span>', "a", [{ type: "spoiler", offset: 0, length: 1 }]],
    ["<tg-spoiler>a</tg-spoiler>", "a", [{ type: "spoiler", offset: 0, length: 1 }]],
    ["<code>a</code>", "a", [{ type: "code", offset: 0, length: 1 }]],
    ["<pre>a</pre>", "a", [{ type: "pre", offset: 0, length: 1 }]],
    ["<blockquote expandable>a</blockquote>", "a", [{ type: "expandable_blockquote", offset: 0, length: 1 }]],
    ["<a href='http://a.example/?x=1&amp;y=2'>b</a>", "b", [{ type: "text_link", offset: 0, length: 1, url: "http://a.example/?x=1&y=2" }]],
    [
      "<b>a<i>b</i></b>",
      "ab",
      [
        { type: "bold", offset: 0, length: 2 },
        { type: "italic", offset: 1, length: 1 },
      ],
    ],
    ["<b></b>a", "a", []],
  ])("reads %s", (html, text, entities) => {
    expect(parseHtml(html)).toEqual({ text, entities });
  });

  it.each([
    ["a < b", 'Unsupported start tag "" at byte offset 2'],
    ["<h1>a</h1>", 'Unsupported start tag "h1" at byte offset 0'],
    ["й<br/>", 'Unsupported start tag "br/" at byte offset 2'],
    ["<b>a", 'Can\'t find end tag corresponding to start tag "b"'],
    ["<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ["<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ["a</b>", "Unexpected end tag at byte offset 1"],
    ["<b>a</b", "Unclosed end tag at byte offset 4"],
    ["<b", "Unclosed start tag at byte offset 0"],
    ["<a href=", "Unclosed start tag at byte offset 0"],
    ["<a href='x>a</a>", "Unclosed start tag at byte offset 0"],
    ["<b =x>a</b>", 'Empty attribute name in the tag "b" at byte offset 0'],
    ["<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
  ])("refuses %s", (html, reason) => {
    expect(() => parseHtml(html)).toThrow(`Bad Request: can't parse entities: ${reason}`);
  });
});

describe("what Telegram finds in a text", () => {
  it.each([
    ["/start", [["bot_command", 0, 6]]],
    ["/block@switchboard_bot 203.0.113.7", [["bot_command", 0, 22]]],
    ["see /help, please", [["bot_command", 4, 5]]],
    ["a/b and 1/2 and /tmp/x", []],
    ["@ann hello", [["mention", 0, 4]]],
    ["mail ann@example.com", [["email", 5, 15]]],
    ["go to https://example.com/a.", [["url", 6, 21]]],
  ])("%s", (text, expected) => {
    expect(findEntities(text).map(({ type, offset, length }) => [type, offset, length])).toEqual(expected);
  });
});
