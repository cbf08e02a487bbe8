import { describe, expect, it } from "vitest";
import { commands } from "../../../commands/index.ts";
import type { Command } from "../../../core/command.ts";
import { OpsError } from "../../../core/errors.ts";
import { withAttachment } from "../../../core/text/attachment.ts";
import { bind } from "../../../core/text/bind.ts";
import { tokenise } from "../../../core/text/tokenise.ts";
import { createTestDesk } from "../../support/conversation.ts";

const find = (name: string) => commands.find((command) => command.name === name) as Command;
const block = find("cf block");
/** The list of a line that came with a file. */
const read = (attachment: string, line = "", command = block) => withAttachment(command, bind(command, tokenise(line)), attachment);
const listOf = (attachment: string, line = "") => read(attachment, line).input["ip"];

function refusal(attachment: string, line = "", command = block): OpsError {
  try {
    read(attachment, line, command);
  } catch (thrown) {
    if (thrown instanceof OpsError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("the words of a file", () => {
  it.each([
    ["a line each", "203.0.113.7\n203.0.113.8\n"],
    ["a line each, as Windows writes them", "203.0.113.7\r\n203.0.113.8\r\n"],
    ["separated by commas", "203.0.113.7,203.0.113.8"],
    ["separated by semicolons and tabs", "203.0.113.7;\t203.0.113.8;"],
    ["in quotes", '"203.0.113.7","203.0.113.8"'],
    ["with remarks", "# bad ones, of 2026\n203.0.113.7\n  # more\n203.0.113.8"],
    ["below a column's name", "ip\n203.0.113.7\n203.0.113.8"],
    ["below a column's name in Korean", "주소\n203.0.113.7\n203.0.113.8"],
    ["below a mark of the byte order, with odd spaces", "\ufeff203.0.113.7\u00a0203.0.113.8"],
  ])("are values: %s", (_, attachment) => {
    expect(listOf(attachment)).toEqual(["203.0.113.7", "203.0.113.8"]);
  });

  it("come behind those of the line, and nothing is missing any more", () => {
    expect(read("2001:db8::7", '203.0.113.7 --reason "brute force"')).toEqual({
      input: { ip: ["203.0.113.7", "2001:db8::7"], reason: "brute force" },
      missing: [],
    });
  });

  it("are none of a line without a file", () => {
    const bound = bind(block, tokenise("203.0.113.7"));
    expect(withAttachment(block, bound, undefined)).toBe(bound);
  });
});

describe("is refused", () => {
  it.each([
    ["a wrong word", "203.0.113.7\n203.0.113\n203.0.113.8", 2],
    ["a second column of words", "203.0.113.7,brute force", 1],
    ["below a column's name, too", "ip\n203.0.113.7\nx", 3],
    ["a column's name in the middle", "203.0.113.7\nip", 2],
    ["nothing but a column's name", "ip", 1],
    ["a control character", "203.0.113.7\n\u0000", 2],
  ])("%s, by its line", (_, attachment, line) => {
    expect(refusal(attachment)).toMatchObject({ code: "invalid_input", text: { key: "attachment.line", params: { line } } });
  });

  it.each(["", "\n \n", "# nothing", ",;"])("a file without values: %j", (attachment) => {
    expect(refusal(attachment).text).toMatchObject({ key: "attachment.empty" });
  });

  it("a file with a command that takes no list", () => {
    expect(refusal("203.0.113.7", "", find("ping")).text).toEqual({ key: "attachment.not_taken", params: { command: "ping" } });
  });

  it("too many, saying how many there are", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `203.0.${at >> 8}.${at & 255}`).join("\n");
    expect(refusal(many(30_000)).text).toMatchObject({ key: "parse.too_many_items", params: { count: 30_000, max: 100 } });
    const op = createTestDesk().person("telegram:1002", "operator");
    await op.asks({ kind: "text", text: "/block", attachment: many(101) });
    op.hears("ip has 101 items. Allowed: 100.");
  });
});

describe("in a chat", () => {
  it("a file answers the question for the list", async () => {
    const op = createTestDesk().person("telegram:1002", "operator");
    await op.says("/block");
    await op.asks({ kind: "text", text: "", attachment: "203.0.113.7" });
    op.hears(/203\.0\.113\.7/);
  });

  it("who may not is told so before the file is looked at", async () => {
    const viewer = createTestDesk().person("telegram:1003", "viewer");
    expect(await viewer.asks({ kind: "text", text: "/block", attachment: "nonsense" })).toMatchObject({ error: { code: "forbidden" } });
  });

  it("what the adapter could not read is told in its words, to strangers too, and counts as a line", async () => {
    const stranger = createTestDesk().person("telegram:7", null);
    const ask = { kind: "refused", reason: { key: "telegram.anonymous" } } as const;
    for (let line = 1; line <= 20; line++) expect(await stranger.asks(ask)).toMatchObject({ error: { code: "invalid_input" } });
    stranger.hears(/I can't see who you are/);
    expect(await stranger.asks(ask)).toMatchObject({ error: { code: "rate_limited" } });
  });
});
