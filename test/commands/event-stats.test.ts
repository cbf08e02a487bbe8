import { describe, expect, it } from "vitest";
import { toBatch } from "../../core/events/batch.ts";
import type { Reply } from "../../core/reply.ts";
import type { Outcome } from "../../core/request.ts";
import { codeOf, createTestDesk, type TestDesk } from "../support/conversation.ts";

let ids = 0;

/** Events that are stored: how many of a kind, at a time of the day on which the desk's clock stands, at 09:00:00. */
async function collected({ memoryEvents }: TestDesk, ...given: readonly (readonly [event: string, time: string, count: number])[]) {
  const events = given.flatMap(([event, time, count]) =>
    Array.from({ length: count }, () => {
      const at = time.length > 8 ? time : `2026-11-22T${time}`;
      return { event_id: `e-${++ids}`, event, user_id: "u", event_datetime: `${at}.000000Z`, parameters: null };
    }),
  );
  await memoryEvents.writer.write(toBatch(events));
}

function open() {
  const desk = createTestDesk();
  desk.clock.passes(30_000);
  return { desk, kim: desk.person("telegram:1003", "viewer", { zone: "Asia/Seoul" }) };
}

interface Output {
  readonly total: number;
  readonly span_s: number;
  readonly since: string;
  readonly kinds: readonly { readonly event: string; readonly count: number; readonly counts: readonly number[] }[];
  readonly other: { readonly count: number } | null;
}

/** What programs get, and what is shown. */
function doneOf(outcome: Outcome): { readonly output: Output; readonly reply: Reply } {
  if (outcome.kind !== "done") throw new Error(`it is ${outcome.kind}`);
  return { output: outcome.output as Output, reply: outcome.reply };
}

describe("event_stats", () => {
  it("says how many there were in the last hour, by kind, in the asker's time; minutes without any are zero", async () => {
    const { desk, kim } = open();
    await collected(
      desk,
      ["login", "08:10:00", 2],
      ["purchase", "08:30:59", 1_200],
      ["purchase", "09:00:12", 34],
      ["login", "07:59:59", 9],
    );
    const { output, reply } = doneOf(await kim.says("/event_stats"));
    kim.hears(
      /^1,236 events since Nov 22, 2026, 17:00 GMT\+9\nPer minute: 20\.4\nBusiest: 1,200 at Nov 22, 2026, 17:30 GMT\+9\nOne bar: 1 minute\n/,
    );
    kim.hears(/\n·+█·+▁ {2}1,234 {2}🟦 purchase\n·+█·+ {6}2 {2}🟧 login\n17:00 +18:00$/);
    expect(output).toMatchObject({ since: "2026-11-22T08:00:00.000Z", until: "2026-11-22T09:00:30.000Z", span_s: 60, total: 1_236 });
    expect(output.kinds.map(({ event, counts }) => [event, counts.length, counts[10], counts[30], counts[60]])).toEqual([
      ["purchase", 61, 0, 1_200, 34],
      ["login", 61, 2, 0, 0],
    ]);
    expect(reply.chart).toMatchObject({ kind: "bars", from: output.since, span_s: 60, series: [{ values: output.kinds[0]?.counts }, {}] });
  });

  it("counts one kind, and says when there is none of it", async () => {
    const { desk, kim } = open();
    await collected(desk, ["login", "08:10:00", 2], ["purchase", "08:30:00", 1]);
    expect(doneOf(await kim.says("/event_stats --event purchase")).output).toMatchObject({ total: 1, kinds: [{ event: "purchase" }] });
    kim.hears(/^1 event since/);
    const { reply } = doneOf(await kim.says("/event_stats --event refund"));
    kim.hears(/^No events “refund” since Nov 22, 2026, 17:00 GMT\+9\.\nLook further back/);
    expect(reply).not.toHaveProperty("chart");
  });

  it("tells seven kinds apart, and puts the others together", async () => {
    const { desk, kim } = open();
    await collected(desk, ...Array.from({ length: 9 }, (_, at) => [`kind-${at}`, "08:30:00", 20 - at] as const));
    const { output } = doneOf(await kim.says("/event_stats"));
    expect(output.kinds.map(({ event }) => event)).toEqual(Array.from({ length: 7 }, (_, at) => `kind-${at}`));
    expect(output.other).toMatchObject({ count: 13 + 12 });
    kim.hears(/ {2}14 {2}🟫 kind-6\n.* {2}25 {2}⬜ other kinds\n/);
  });

  it("counts what a client's clock dates ahead as of now", async () => {
    const { desk, kim } = open();
    await collected(desk, ["login", "09:04:00", 3]);
    expect(doneOf(await kim.says("/event_stats")).output).toMatchObject({ total: 3, busiest: { at: "2026-11-22T09:00:00.000Z" } });
  });

  it.each([
    ["5m", 60, 6],
    ["2h", 60, 121],
    ["3h", 120, 91],
    ["24h", 900, 97],
    ["7d", 7_200, 85],
    ["31d", 21_600, 125],
    ["2026-11-22", 300, 109],
  ])("of %s has bars of %i s, %i of them", async (since, span_s, bars) => {
    const { desk, kim } = open();
    await collected(desk, ["login", "08:59:00", 1]);
    const { output } = doneOf(await kim.says(`/event_stats ${since}`));
    expect([output.span_s, output.kinds[0]?.counts.length]).toEqual([span_s, bars]);
  });

  it("draws nothing where nothing happened", async () => {
    const { kim } = open();
    expect(doneOf(await kim.says("/event_stats 24h")).reply).not.toHaveProperty("chart");
    kim.hears(/^No events since .*\nLook further back/);
  });

  it.each([
    ["32d", "goes back at most 31 days"],
    ["2027-01-01", "is in the future"],
    ["yesterday", "since is a time back like"],
  ])("refuses %s", async (since, why) => {
    const { kim } = open();
    expect(codeOf(await kim.says(`/event_stats ${since}`))).toBe("invalid_input");
    kim.hears(why);
  });

  it("is said in Korean and in Russian", async () => {
    const { desk } = open();
    await collected(desk, ["login", "08:10:00", 22]);
    const [park, olga] = [desk.person("telegram:7", "viewer", { locale: "ko" }), desk.person("telegram:8", "viewer", { locale: "ru" })];
    await park.says("/event_stats");
    park.hears(/이후 이벤트 22개\n분당: 0\.36\n.*\n막대 하나: 1분/);
    await olga.says("/event_stats 24h");
    olga.hears(/^22 события с .*\nВ минуту: 0,02\nБольше всего: 22, .*\nОдин столбик: 15 минут\n/);
  });

  it("is for people we know", async () => {
    const { desk } = open();
    expect(codeOf(await desk.person("telegram:9", null).says("/event_stats"))).toBe("forbidden");
  });
});
