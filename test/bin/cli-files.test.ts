import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { CliDeps } from "../../bin/cli/deps.ts";
import { runCli } from "../../bin/cli/run-cli.ts";
import { commands } from "../../commands/index.ts";
import { createRegistry } from "../../core/registry.ts";
import { loadTexts } from "../support/test-desk.ts";

const texts = loadTexts();
const registry = createRegistry(commands, texts);
const done = (reply: object) => ({ outcome: "done", output: null, reply: { tone: "info", title: "2 lines", ...reply } });

/** Types a line where these files are; `-` is the standard input. What the server was sent, and what was printed. */
async function type(words: readonly string[], files: Readonly<Record<string, string>> = {}, more: { answer?: object; tty?: boolean } = {}) {
  const printed = { out: "", err: "" };
  const sent: unknown[] = [];
  const deps: CliDeps = {
    ...{ env: {}, registry, texts, zone: "UTC", sleep: async () => {} },
    stdout: { write: (text) => (printed.out += text), isTTY: more.tty ?? false },
    stderr: { write: (text) => (printed.err += text) },
    fetch: async (_url, init) => {
      sent.push(JSON.parse(String(init?.body)));
      return Response.json(more.answer ?? done({}));
    },
    readFile(name) {
      const content = files[name];
      if (content === undefined) throw Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
      return content;
    },
  };
  return { code: await runCli(words, deps), ...printed, sent };
}

describe("words from a file", () => {
  const files = {
    "list.txt": "\uFEFF# seen on Monday\r\n203.0.113.7, 203.0.113.8;203.0.113.9\n\n  # a note\n\t2001:db8::1  \n",
    "-": "203.0.113.20\n",
    "notes.txt": "# nothing yet\n\n",
    "big.txt": "x ".repeat(600_000),
    "bad.txt": "203.0.113.7 nonsense",
  };

  it("go where the list is", async () => {
    const { code, sent } = await type(["cf_block", "@list.txt", "--reason", "@home"], files);
    const ip = ["203.0.113.7", "203.0.113.8", "203.0.113.9", "2001:db8::1"];
    expect([code, sent]).toEqual([0, [{ ip, reason: "@home" }]]);
  });

  it.each([
    [["cf_block", "-"], ["203.0.113.20"]],
    [
      ["cf_block", "203.0.113.1", "-"],
      ["203.0.113.1", "203.0.113.20"],
    ],
    [["cf_block", "--ip", "-"], ["203.0.113.20"]],
    [
      ["cf_block", "--ip=@list.txt"],
      ["203.0.113.7", "203.0.113.8", "203.0.113.9", "2001:db8::1"],
    ],
  ])("also %j", async (words, ip) => {
    expect((await type(words, files)).sent).toEqual([{ ip }]);
  });

  it("and nowhere else", async () => {
    expect((await type(["telegram_send", "1001", "@kim", "-"], files)).sent).toEqual([{ chat_id: "1001", text: "@kim -" }]);
  });

  it.each([
    ["@none.txt", /^none.txt cannot be read \(ENOENT\). Check the file's name.\n$/],
    ["@notes.txt", /^notes.txt holds no words/],
    ["@big.txt", /^big.txt is over 1 MiB/],
    ["@bad.txt", /“nonsense” is not an IP address/],
    ["@", /“@” is not an IP address/],
  ])("%s is refused, and nothing is sent", async (word, says) => {
    expect(await type(["cf_block", word], files)).toEqual({ code: 2, out: "", err: expect.stringMatching(says), sent: [] });
  });

  it("are read from a real file by the program, which no folder is", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "switchboard-cli-"));
    writeFileSync(path.join(folder, "a.txt"), "203.0.113.7");
    const { switchboard } = await import("../support/finished.ts");
    const offline = { SWITCHBOARD_URL: "http://127.0.0.1:1" };
    expect(await switchboard(["cf_block", `@${folder}/a.txt`], offline)).toMatchObject({
      code: 1,
      err: expect.stringContaining("127.0.0.1:1"),
    });
    expect(await switchboard(["cf_block", `@${folder}`], offline)).toMatchObject({ code: 2, err: expect.stringContaining("EISDIR") });
    // Its standard input is closed: there are no words in it.
    expect(await switchboard(["cf_block", "-"], offline)).toMatchObject({ code: 2, err: expect.stringContaining("holds no words") });
  });
});

describe("an answer with a file", () => {
  const file = { name: "a.csv", media_type: "text/csv", content: "a,b\r\n\u001b[31m,2\r\n" };

  it("goes to the output as it is, its title to whoever watches", async () => {
    expect(await type(["audit", "--csv"], {}, { answer: done({ file }) })).toMatchObject({ code: 0, out: file.content, err: "2 lines\n" });
  });

  it("does not drive a terminal", async () => {
    expect(await type(["audit", "--csv"], {}, { answer: done({ file }), tty: true })).toMatchObject({ out: "a,b\n[31m,2\n" });
  });

  it("is JSON with --json", async () => {
    const { out, err } = await type(["audit", "--csv", "--json"], {}, { answer: done({ file }) });
    expect([JSON.parse(out), err]).toEqual([done({ file }), ""]);
  });
});
