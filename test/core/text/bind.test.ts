import { describe, expect, it } from "vitest";
import { bind, missingFields } from "../../../core/text/bind.ts";
import { parseInput } from "../../../core/text/issues.ts";
import { normalise } from "../../../core/text/normalise.ts";
import { tokenise } from "../../../core/text/tokenise.ts";
import { block, grant, refusal, type Sample, say, send, smtp } from "./sample-commands.ts";

const bound = (command: Sample, line: string) => bind(command, tokenise(normalise(line)));

describe("a line becomes the input that REST would send", () => {
  const whole = { ip: ["203.0.113.7"], for: "2h", reason: "brute force" };

  it.each([
    '203.0.113.7 --for 2h --reason "brute force"',
    "203.0.113.7 —for 2h —reason “brute force”",
    "--reason=“brute force” --FOR=2h 203.0.113.7",
    "--ip 203[.]0[.]113[.]7 --for 2h --reason 'brute force'",
    "<http://203.0.113.7|203.0.113.7>\n--for 2h\n--reason „brute force“",
    "２０３．０．１１３．７　－－ｆｏｒ　２ｈ　--reason «brute force»",
    "hxxp://203.0.113.7/login --for 2h --reason ‘brute force’",
  ])("%s", (line) => expect(say(block, line)).toEqual(parseInput(block, whole)));

  it("takes lists with spaces, commas and flags", () => {
    const ip = ["203.0.113.7", "2001:db8::1", "198.51.100.2"];
    expect(say(block, "203.0.113.7, 2001:DB8:0::1 198.51.100.2")).toMatchObject({ ip });
    expect(say(block, "203.0.113.7,2001:db8::1 --ip 198.51.100.2")).toMatchObject({ ip });
    expect(say(block, "--ip 203.0.113.7 --ip 2001:db8::1,198.51.100.2")).toMatchObject({ ip });
  });

  it("reads numbers, words to the end and choices", () => {
    expect(say(send, "-1001234567890 Hello,   it's 5 o’clock 🚀")).toEqual({ chat_id: -1001234567890, text: "Hello, it's 5 o'clock 🚀" });
    expect(say(send, "−12345678 -- --this is no flag")).toEqual({ chat_id: -12345678, text: "--this is no flag" });
    expect(say(send, '5 "--neither is this"')).toEqual({ chat_id: 5, text: "--neither is this" });
    expect(say(send, "--chat-id -5 hi")).toEqual({ chat_id: -5, text: "hi" });
    expect(say(grant, "telegram:1001 Operator")).toEqual({ identity: "telegram:1001", role: "operator" });
    expect(say(smtp, "smtp://user:a,b@mail.example.com:587?x=1")).toEqual({ url: "smtp://user:a,b@mail.example.com:587?x=1" });
  });

  it.each([
    ["--dry-run", true],
    ["--dry_run", true],
    ["--no-dry-run", false],
    ["--dry-run=yes", true],
    ["--DRY-RUN=off", false],
  ])("%s is %s", (flag, value) => expect(say(block, `203.0.113.7 ${flag}`)).toMatchObject({ dry_run: value }));
});

describe("what is missing is asked for in order", () => {
  it("names required positional fields only", () => {
    expect(bound(send, "").missing).toEqual(["chat_id", "text"]);
    expect(bound(send, "5").missing).toEqual(["text"]);
    expect(bound(send, "--text hi").missing).toEqual(["chat_id"]);
    expect(bound(block, "--for 2h")).toEqual({ input: { for: "2h" }, missing: ["ip"] });
    expect(missingFields(send, { chat_id: 5, text: "hi" })).toEqual([]);
  });

  it("leaves required flags to the check of the whole input", () => {
    const flags = { ...grant, positional: ["role"] };
    expect(bound(flags, "").missing).toEqual(["role"]);
    expect(refusal(() => say(flags, "admin")).text).toEqual({ key: "parse.required", params: { field: "identity" } });
  });
});

describe("words that look as if they belonged to a flag", () => {
  it.each(["203.0.113.7 --reason brute force", "--reason brute force 203.0.113.7", "203.0.113.7 --for 2h --reason=brute force"])(
    "are named: %s",
    (line) => expect(bound(block, line).hint).toEqual({ key: "parse.quote_words", params: { flag: "--reason" } }),
  );

  it.each([
    '203.0.113.7 --reason "brute force"',
    '203.0.113.7 --reason "brute" force',
    "--reason scan 203.0.113.7",
    "--reason scan --for 2h 203.0.113.7",
    "--dry-run 203.0.113.7 203.0.113.8",
    "203.0.113.7 --reason scan",
    "203.0.113.7 and that",
  ])("are not: %s", (line) => expect(bound(block, line)).not.toHaveProperty("hint"));
});

describe("a line that cannot be bound says why", () => {
  it.each([
    [block, "203.0.113.7 --fro 2h", "parse.unknown_flag_nearest", { flag: "--fro", nearest: "--for" }],
    [block, "203.0.113.7 --no-for", "parse.unknown_flag", { flag: "--no-for", flags: "--ip, --for, --reason, --dry-run" }],
    [grant, "a --constructor b", "parse.unknown_flag", { flag: "--constructor", flags: "--identity, --role" }],
    [block, "203.0.113.7 --for", "parse.flag_without_value", { flag: "--for" }],
    [block, "203.0.113.7 --for --dry-run", "parse.flag_without_value", { flag: "--for" }],
    [block, "203.0.113.7 --for 2h --For 3h", "parse.repeated_flag", { flag: "--for" }],
    [grant, "telegram:1001 admin now please", "parse.too_many", { extra: "now please" }],
    [smtp, "smtp://mail.example.com hunter2", "parse.too_many", { extra: "***" }],
  ])("case %#", (command, line, key, params) => {
    const error = refusal(() => bound(command, line));
    expect(error.code).toBe("invalid_input");
    expect(error.text).toEqual({ key, params });
    expect(error.issues).toHaveLength(1);
  });

  it("quotes at most 60 characters of it", () => {
    const { text } = refusal(() => bound(grant, `a admin ${"🚀".repeat(4_000)}`));
    expect(text).toEqual({ key: "parse.too_many", params: { extra: `${"🚀".repeat(59)}…` } });
  });
});
