import { describe, expect, it } from "vitest";
import type { Outcome } from "../../core/request.ts";
import { createTestDesk } from "../support/conversation.ts";

const suggestionsOf = (outcome: Outcome): readonly string[] => {
  if (outcome.kind !== "suggest") throw new Error(`nothing was suggested, but ${outcome.kind}`);
  return outcome.commands;
};

/** What somebody of this role is offered for a line. */
const offered = async (role: "viewer" | "operator" | "admin", line: string) =>
  suggestionsOf(await createTestDesk().person("telegram:1", role).says(line));

describe("words that are no command", () => {
  it.each([
    ["/blok 203.0.113.7", "cf_block"],
    ["/cf_blokc 203.0.113.7", "cf_block"],
    ["cf blok 203.0.113.7", "cf_block"],
    ["CF SERCH 203.0.113.7", "cf_search"],
    ["relaese", "cf_release"],
    ["/gant@switchboard_bot telegram:9 viewer", "grant"],
    ["/statsu", "run_show"],
    ["run shwo 7k2m9qd04xvb", "run_show"],
  ])("%s is near to %s", async (line, slug) => {
    expect((await offered("admin", line))[0]).toBe(slug);
  });

  it.each(["what is the weather like", "안녕하세요", "a", "/", "🚀", "x".repeat(10_000)])("nothing is near to %.30s", async (line) => {
    expect(await offered("admin", line)).toEqual([]);
  });

  it("are answered with at most three, as buttons that say them", async () => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    const commands = suggestionsOf(await admin.says("/cf_bearch"));
    expect(commands[0]).toBe("cf_search");
    expect(commands.length).toBeLessThanOrEqual(3);
    admin.hears("I don't know “/cf_bearch”. Did you mean one of these?\n[/cf_search]");
    expect(await admin.presses("/cf_search")).toMatchObject({ kind: "ask", field: "ip" });
  });

  it("are quoted only in part when they are long, an emoji whole", async () => {
    const desk = createTestDesk();
    const viewer = desk.person("telegram:1003", "viewer");
    await viewer.says(`${"🚀".repeat(100)} launch`);
    viewer.hears(/^I don't know “(🚀){59}…”\. .*\n\[\/help\]$/u);
  });
});

describe("what one may not run", () => {
  it("is not suggested", async () => {
    expect(await offered("viewer", "/blok 203.0.113.7")).not.toContain("cf_block");
    expect(await offered("operator", "/gant")).not.toContain("grant");
    expect(await offered("viewer", "/relase")).toEqual([]);
  });

  it("is not in help", async () => {
    const desk = createTestDesk();
    const viewer = desk.person("telegram:1003", "viewer");
    await viewer.says("/help");
    viewer.hears(/^What you can ask for\n(.|\n)*\/cf_search/);
    expect(viewer.heard.at(-1)).not.toMatch(/cf_block|cf_release|grant|revoke/);
    await viewer.says("/help cf_block");
    viewer.hears("There is no command “cf_block” for you.");
    await viewer.says("/help nonsense");
    viewer.hears("There is no command “nonsense” for you.");
  });
});
