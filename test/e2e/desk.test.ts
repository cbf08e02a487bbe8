import { describe, expect, it } from "vitest";
import { switchboard } from "../support/finished.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld({ OPERATORS: "telegram:1002", ADMINS: "telegram:1001" });

type Role = "viewer" | "operator" | "admin";
const type = (role: Role, words: readonly string[]) =>
  switchboard(words, { SWITCHBOARD_URL: world.program().url, SWITCHBOARD_KEY: world.key(role) });
const toChat = async (chat: number) => (await world.platforms().messages(chat)).map(({ text }) => text);

describe("telegram_send", () => {
  it("says it there as it was written, and only once though Telegram fails twice", async () => {
    await world.say(1001, "/ping");
    const before = (await toChat(1001)).length;
    await world.platforms().fault({ target: "telegram", status: 502, times: 2 });
    expect(await type("operator", ["telegram_send", "1001", "The <b>backup</b>", "is *done*"])).toMatchObject({
      code: 0,
      out: "Sent to 1001\n",
    });
    expect((await toChat(1001)).slice(before)).toEqual(["The <b>backup</b> is *done*"]);
  });

  it("says why Telegram refuses", async () => {
    expect(await type("operator", ["telegram_send", "424242", "hello"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Telegram did not take the message: .*chat not found\nRun: /i),
    });
  });

  it("answers in that very chat, where it was asked for there", async () => {
    await world.say(1002, "/telegram_send 1002 note to myself");
    await world.settled();
    expect((await toChat(1002)).slice(-2).sort()).toEqual(["note to myself", expect.stringMatching(/Sent to 1002$/)]);
  });
});

describe("the desk about itself", () => {
  it("lists runs, and the audit as a file and as a whole", async () => {
    await type("operator", ["cf_search", "203.0.113.7"]);
    expect(await type("operator", ["run_list"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+ runs?, newest first\nRun {2}Command/),
    });
    expect(await type("viewer", ["run_list", "--all"])).toMatchObject({ code: 4 });
    const csv = await type("admin", ["audit", "--csv", "--command", "cf_search"]);
    expect(csv).toMatchObject({ code: 0, out: expect.stringMatching(/^seq,at,identity,[\s\S]*,key:operator,run,cf_search,"\{""ip""/) });
    expect(csv.err).toMatch(/^\d+ lines of the audit\n$/);
    expect(await type("admin", ["audit_verify"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^The audit is whole\nLines: \d+\nLast line and its hash: \d+:[0-9a-f]{64}\n/),
    });
  });
});
