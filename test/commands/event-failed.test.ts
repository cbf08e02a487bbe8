import { describe, expect, it } from "vitest";
import { anEvent } from "../contract/events.contract.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

const MINUTE = 60_000;

/** A desk with an operator, and failed events to be made. */
function desk() {
  const opened = createTestDesk();
  const { memoryEvents, person } = opened;
  const failing = async (...ids: readonly string[]) => {
    for (const id of ids) memoryEvents.refusals.set(id, `no ${id}`);
    await memoryEvents.collect(ids.map((id) => anEvent(id, { event: "purchase" })));
    await memoryEvents.writes();
  };
  const mends = (...ids: readonly string[]) => void ids.map((id) => memoryEvents.refusals.delete(id));
  return { ...opened, failing, mends, op: person("telegram:1002", "operator"), viewer: person("telegram:1003", "viewer") };
}

const ids = (count: number) => Array.from({ length: count }, (_, n) => `e-${String(n).padStart(4, "0")}`);

describe("event_failed", () => {
  it("shows what could not be stored, why, when and how often it was tried, the latest first", async () => {
    const { op, failing, clock } = desk();
    await failing("a");
    clock.passes(MINUTE);
    await failing("b");
    clock.passes(MINUTE);
    await failing("a");
    await op.says("/event_failed");
    op.hears(
      /^2 events could not be stored\nWhen {2}Event id {2}Event {2}User {2}Why {2}Tries\n\S.* {2}a {2}purchase {2}kim {2}no a {2}2\n\S.* {2}b {2}purchase {2}kim {2}no b {2}1\n/,
    );
    op.hears("To try some of them again: /event_replay EVENT_ID\n[Try all again]");
  });

  it("shows pages of what failed in one moment, each once, with the total on each", async () => {
    const { op, failing } = desk();
    await failing(...ids(40));
    const seen: string[] = [];
    for (let line = "/event_failed"; line !== ""; ) {
      const outcome = await op.says(line);
      op.hears(/^40 events could not be stored/);
      const { events, next } = (outcome as { output: { events: { event_id: string }[]; next: string | null } }).output;
      seen.push(...events.map(({ event_id }) => event_id));
      line = next ?? "";
    }
    expect(seen).toEqual(ids(40));
  });

  it("has nothing to show where all went well, in each language", async () => {
    const { person } = desk();
    const said = { en: "No event has failed", ko: "실패한 이벤트가 없습니다", ru: "Несохранённых событий нет" } as const;
    for (const locale of ["en", "ko", "ru"] as const) {
      const op = person(`telegram:${locale}`, "operator", { locale });
      await op.says("/event_failed");
      op.hears(said[locale]);
    }
  });

  it("refuses what is no input, and a viewer", async () => {
    const { op, viewer } = desk();
    for (const input of [{ limit: 0 }, { limit: 1_001 }, { cursor: "x" }, { before: "2026" }])
      expect([input, codeOf(await op.calls("event_failed", input))]).toEqual([input, "invalid_input"]);
    expect(codeOf(await viewer.says("/event_failed"))).toBe("forbidden");
  });
});

describe("event_replay", () => {
  it("says of each what became of it", async () => {
    const { op, failing, mends, memoryEvents } = desk();
    await failing("a", "b", "c");
    mends("a", "c");
    await memoryEvents.collect([anEvent("c")]);
    await memoryEvents.writes();
    await op.says("/event_replay a b c,none a");
    op.hears(
      /^1 of 4 events stored\nEvent id {2}What became of it\na {2}stored\nb {2}failed again: no b\nc {2}was stored already\nnone {2}no failed event has this id\n1 failed event is left\.\nThis cannot be undone/,
    );
    expect([...memoryEvents.rows.keys()].toSorted()).toEqual(["a", "c"]);
    await op.presses("See what failed");
    op.hears(/^1 event could not be stored\n[\s\S]* b {2}purchase {2}kim {2}no b {2}2\n/);
  });

  it("of all, by the button under the list: a thousand at a time, and the line that goes on", async () => {
    const { op, failing, mends, memoryEvents } = desk();
    await failing(...ids(1_203));
    mends(...ids(1_203).filter((id) => id !== "e-0003"));
    await op.says("/event_failed");
    await op.presses("Try all again");
    op.hears(
      /^999 of 1000 events stored\nEvent id {2}What became of it\ne-0003 {2}failed again: no e-0003\n204 failed events are left\.\n/,
    );
    op.hears("There are more to try: /event_replay --all");
    await op.says("/event_replay --all");
    op.hears(/^203 of 204 events stored\n/);
    op.hears("1 failed event is left.");
    expect(op.heard.at(-1)).not.toContain("more to try");
    expect(memoryEvents.rows.size).toBe(1_202);
    mends("e-0003");
    await op.says("/event_replay --all");
    op.hears(/^1 of 1 event stored\nThis cannot be undone/);
    await op.says("/event_replay --all");
    op.hears(/^There is no failed event to try again$/);
  });

  it("whose answer was lost is tried again, finds what it has stored, and says that it was broken off", async () => {
    const { op, failing, mends, memoryEvents, events, passes } = desk();
    await failing("a", "b");
    mends("a", "b");
    events.breaks("replay", { times: 1, after: true });
    await op.says("/event_replay a b");
    await passes(MINUTE);
    op.hears(/^0 of 2 events stored\nEvent id {2}What became of it\na {2}was stored already\nb {2}was stored already\nAn earlier try/);
    expect([memoryEvents.rows.size, memoryEvents.failures.size]).toEqual([2, 0]);
  });

  it("that cannot reach the database fails in the end, and can be asked for again", async () => {
    const { op, failing, events, passes } = desk();
    await failing("a");
    events.breaks("replay");
    await op.says("/event_replay a");
    await passes(60 * MINUTE);
    expect(events.calls("replay")).toBe(5);
    op.hears(/^Switchboard cannot reach its database or queue\./);
  });

  it("asks for ids or all, and not both", async () => {
    const { op } = desk();
    for (const input of [{}, { all: false }, { event_ids: ["a"], all: true }]) {
      expect(codeOf(await op.calls("event_replay", input))).toBe("invalid_input");
      op.hears("Name 1 to 100 event ids, or give --all; not both.");
    }
    for (const event_ids of [[], ids(101), [""], ["x".repeat(256)], "a", [null]])
      expect([event_ids, codeOf(await op.calls("event_replay", { event_ids }))]).toEqual([event_ids, "invalid_input"]);
  });

  it("is for operators", async () => {
    const { viewer, person, failing, mends, memoryEvents } = desk();
    await failing("a");
    mends("a");
    expect(codeOf(await viewer.says("/event_replay a"))).toBe("forbidden");
    expect(codeOf(await viewer.says("/event_replay --all"))).toBe("forbidden");
    expect(codeOf(await person("telegram:7", null).says("/event_replay a"))).toBe("forbidden");
    expect(memoryEvents.rows.size).toBe(0);
  });

  it("speaks the asker's language", async () => {
    const { person, failing, mends } = desk();
    await failing("a", "b", "c");
    mends("a");
    const ko = person("telegram:ko", "operator", { locale: "ko" });
    await ko.says("/event_replay a b");
    ko.hears(/^2건 중 1건을 저장했습니다\n이벤트 ID {2}결과\na {2}저장함\nb {2}다시 실패: no b\n실패한 이벤트가 2건 남아 있습니다\./);
    const ru = person("telegram:ru", "operator", { locale: "ru" });
    await ru.says("/event_replay b none");
    ru.hears(
      /^Сохранено 0 из 2 событий\nId события {2}Что с ним\nb {2}снова не сохранено: no b\nnone {2}нет несохранённого события с таким id\n/,
    );
  });
});
