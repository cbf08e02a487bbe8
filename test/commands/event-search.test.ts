import { describe, expect, it } from "vitest";
import type { CollectedEvent } from "../../core/events/event.ts";
import { plain } from "../../core/reply.ts";
import { anEvent } from "../contract/events.contract.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

function desk() {
  const opened = createTestDesk();
  const { memoryEvents } = opened;
  const stored = async (...events: readonly CollectedEvent[]) => {
    await memoryEvents.collect(events);
    await memoryEvents.writes();
  };
  return { ...opened, stored, viewer: opened.person("telegram:1003", "viewer") };
}

const at = (n: number) => new Date(Date.parse("2026-11-22T00:00:00Z") + n * 1_000).toISOString().replace("Z", "000Z");
const many = (count: number, more: Partial<CollectedEvent> = {}) =>
  Array.from({ length: count }, (_, n) => anEvent(`e-${n}`, { event_datetime: at(n), ...more }));
const bought = { order_id: "o-7", currency: "krw", price: "1200.50" };

describe("event_search", () => {
  it("shows when, what, for how much and which order, newest first, in the asker's time", async () => {
    const { stored, person } = desk();
    await stored(anEvent("a", { event_datetime: at(0) }), anEvent("b", { event: "purchase", event_datetime: at(60), parameters: bought }));
    const seoul = person("telegram:1004", "viewer", { zone: "Asia/Seoul" });
    await seoul.says("/events kim");
    seoul.hears(
      /^2 events of kim\nWhen {2}Event {2}Price {2}Order\nNov 22, 2026, 09:01:00 GMT\+9 {2}purchase {2}1200\.5 krw {2}o-7\nNov 22, 2026, 09:00:00 GMT\+9 {2}login {2}– {2}–$/,
    );
    await seoul.says("/event_search kim --event purchase");
    seoul.hears(/^1 event of kim\n.*\n.*purchase.*$/);
  });

  it("of a number that is typed is of the user of these digits", async () => {
    const { stored, viewer } = desk();
    await stored(anEvent("a", { user_id: "0042" }), anEvent("b", { user_id: "42" }), anEvent("c", { user_id: "42" }));
    await viewer.says("/events 0042");
    viewer.hears(/^1 event of 0042\n/);
    await viewer.calls("event_search", { user_id: 42 });
    viewer.hears(/^2 events of 42\n/);
  });

  it.each(['"two words"', '"--all"', '"it\'s \\"quoted\\", \\\\ and {NULL}"', '"김 철수"'])(
    "of %s goes on where the page ended",
    async (typed) => {
      const { stored, viewer } = desk();
      const user_id = JSON.parse(typed) as string;
      await stored(...many(60, { user_id }));
      await viewer.says(`/events ${typed}`);
      viewer.hears(`50 events of ${user_id}, newest first; there are older ones`);
      const [, line = ""] = /^Next page: (.*)$/m.exec(viewer.heard.at(-1) ?? "") ?? [];
      await viewer.says(line);
      viewer.hears(`10 events of ${user_id}\n`);
      expect(viewer.heard.at(-1)).not.toContain("Next page");
    },
  );

  it("pages keep what was asked for, and end", async () => {
    const { stored, viewer } = desk();
    await stored(...many(7), ...many(7).map((event) => ({ ...event, event_id: `p-${event.event_id}`, event: "purchase" })));
    const seen: string[] = [];
    for (let line = "/events kim --event purchase --since 2026-11-22T00:00:02Z --limit 2"; line !== ""; ) {
      const outcome = await viewer.says(line);
      if (outcome.kind !== "done") throw new Error(outcome.kind);
      const { events, next } = outcome.output as { events: { event_id: string }[]; next: string | null };
      seen.push(...events.map(({ event_id }) => event_id));
      line = next ?? "";
    }
    expect(seen).toEqual(["p-e-6", "p-e-5", "p-e-4", "p-e-3", "p-e-2"]);
  });

  it("tells how to get all of it as a file, which holds every column to the microsecond", async () => {
    const { stored, viewer, texts } = desk();
    await stored(...many(60), anEvent("=cmd()", { event: 'say "hi", all', event_datetime: at(99), parameters: bought }));
    await viewer.says("/events kim --since 2026-11-01");
    const [, line = ""] = /^As a file: (.*)$/m.exec(viewer.heard.at(-1) ?? "") ?? [];
    expect(line).toBe("/event_search kim --since 2026-11-01 --csv");
    const outcome = await viewer.says(line);
    const { title, file } = plain(outcome.reply, texts, "en", "UTC");
    expect(title).toBe("61 events of kim");
    expect(file).toMatchObject({ name: expect.stringMatching(/^events-\d{4}-\d\d-\d\d\.csv$/), media_type: "text/csv" });
    const lines = file?.content.split("\r\n") ?? [];
    expect(lines.slice(0, 3)).toEqual([
      "event_datetime,event,price,currency,order_id,event_id,user_id",
      `2026-11-22T00:01:39.000000Z,"say ""hi"", all",1200.5,krw,o-7,'=cmd(),kim`,
      "2026-11-22T00:00:59.000000Z,login,,,,e-59,kim",
    ]);
    expect(lines).toHaveLength(63);
  });

  it("a file that holds a part says so in its first line, and how to get the next one", async () => {
    const { stored, viewer, texts } = desk();
    await stored(...many(10_001));
    const outcome = await viewer.says("/events kim --csv");
    const { tone, title, file } = plain(outcome.reply, texts, "en", "UTC");
    expect([tone, title]).toEqual(["warn", "10000 events of kim, newest first; there are older ones"]);
    expect(file?.content.split("\r\n")).toHaveLength(10_002);
    const [, line = ""] = /^Next page: (.*)$/m.exec(viewer.heard.at(-1) ?? "") ?? [];
    expect(plain((await viewer.says(line)).reply, texts, "en", "UTC").file?.content).toContain(",e-0,kim\r\n");
    viewer.hears(/^1 event of kim/);
  });

  it("a user nobody knows gets a clear answer, in each language", async () => {
    const { person } = desk();
    const [en, ko, ru] = (["en", "ko", "ru"] as const).map((locale) => person(`telegram:${locale}`, "viewer", { locale }));
    await en?.says("/events nobody");
    en?.hears("No events of nobody are known\nCheck the id. An event that was sent just now is shown within seconds.");
    await ko?.says("/events nobody");
    ko?.hears("nobody의 이벤트를 찾을 수 없습니다\nID를 확인해 주세요.");
    await ru?.says("/events nobody");
    ru?.hears("События nobody неизвестны\nПроверьте id.");
  });

  it("says where it is the question that finds nothing, and where events of the user have failed", async () => {
    const { stored, viewer, memoryEvents } = desk();
    await stored(...many(3));
    await viewer.says("/events kim --event nothing");
    viewer.hears(/^kim has no such events\nEvents of this user in all: 3\. Ask for more, without --since, --event or --cursor\.$/);
    memoryEvents.refusals.set("bad", "no");
    await stored(anEvent("bad", { user_id: "lee" }));
    await viewer.says("/events lee");
    viewer.hears(/^No events of lee are known\n.*\nFailed events of this user: 1\. An operator sees them with event_failed\.$/);
  });

  it("asks whose, and does not mind quotes around the answer", async () => {
    const { stored, viewer } = desk();
    await stored(...many(2));
    await viewer.says("/events");
    viewer.hears("Whose events? Give the user's id.");
    await viewer.says("kim");
    viewer.hears(/^2 events of kim/);
  });

  it("refuses what is no input", async () => {
    const { viewer } = desk();
    const wrong = [
      ...[{}, { user_id: "" }, { user_id: "x".repeat(256) }, { user_id: 1.5 }, { user_id: ["kim"] }, { user_id: null }],
      ...[{ since: "yesterday" }, { since: "2026-02-30" }, { event: "" }, { limit: 0 }, { limit: 10_001 }, { limit: 1.5 }, { cursor: "x" }],
      ...[{ csv: "maybe" }, { colour: "red" }],
    ].map((input) => ("user_id" in input || Object.keys(input).length === 0 ? input : { user_id: "kim", ...input }));
    for (const input of wrong) expect([input, codeOf(await viewer.calls("event_search", input))]).toEqual([input, "invalid_input"]);
  });

  it("is for those who are known", async () => {
    const { person } = desk();
    expect(codeOf(await person("telegram:7", null).says("/events kim"))).toBe("forbidden");
    expect(codeOf(await person("key:shop", "ingest").says("/events kim"))).toBe("forbidden");
  });
});
