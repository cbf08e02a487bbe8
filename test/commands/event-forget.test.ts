import { describe, expect, it, vi } from "vitest";
import { anEvent } from "../contract/events.contract.ts";
import { codeOf, createTestDesk, tokenOf } from "../support/conversation.ts";

const MINUTE = 60_000;

/** A desk that knows 3 events of kim, 1 of them failed, and 1 of lee. */
async function desk() {
  const opened = createTestDesk();
  const { memoryEvents, person } = opened;
  memoryEvents.refusals.set("bad", "no");
  await memoryEvents.collect([anEvent("a"), anEvent("b"), anEvent("bad"), anEvent("c", { user_id: "lee" })]);
  await memoryEvents.writes();
  return { ...opened, admin: person("telegram:1001", "admin") };
}

describe("event_forget", () => {
  it("asks first, and says how much would be deleted", async () => {
    const { admin, memoryEvents } = await desk();
    await admin.says("/event_forget kim");
    admin.hears(/^Really run event_forget\?\nuser_id: kim\nThis deletes 2 events and 1 failed event of kim, and what is still on its way/);
    admin.hears("It cannot be undone.");
    await admin.presses("No");
    admin.hears("Nothing was changed");
    expect([memoryEvents.rows.size, memoryEvents.failures.size]).toEqual([3, 1]);
  });

  it("deletes all of one user, also what was still queued, and says what remains", async () => {
    const { admin, memoryEvents } = await desk();
    await memoryEvents.collect([anEvent("queued"), anEvent("other", { user_id: "lee" })]);
    await admin.says("/event_forget kim");
    await admin.presses("Yes, run it");
    admin.hears(/^Deleted for good: 3 events and 1 failed event of kim\nThis cannot be undone\. Answers that were already given stay/);
    expect([[...memoryEvents.rows.keys()], memoryEvents.failures.size]).toEqual([["c", "other"], 0]);
    await admin.says("/events kim");
    admin.hears("No events of kim are known");
    expect(admin.heard.join()).not.toContain("Undo");
  });

  it("of a user nobody knows says so by its numbers", async () => {
    const { admin } = await desk();
    await admin.says("/event_forget nobody");
    admin.hears("This deletes 0 events and 0 failed events of nobody");
    await admin.presses("Yes, run it");
    admin.hears(/^Deleted for good: 0 events and 0 failed events of nobody\n/);
  });

  it("that broke off goes on, and says that it was", async () => {
    const { admin, memoryEvents, events, passes } = await desk();
    events.breaks("forget", { times: 1, after: true });
    await admin.says("/event_forget kim");
    await admin.presses("Yes, run it");
    await passes(MINUTE);
    admin.hears(/^Deleted for good: 0 events and 0 failed events of kim\nAn earlier try of this run was broken off/);
    expect(memoryEvents.rows.size).toBe(1);
  });

  it("waits for the queue again where its time is over, and is done once that is written", async () => {
    const { admin, memoryEvents, events, passes, runs } = await desk();
    memoryEvents.stuck.on = true;
    const { forget } = memoryEvents.events;
    events.forget = (user_id) => forget(user_id, AbortSignal.abort());
    await admin.says("/event_forget kim");
    await admin.presses("Yes, run it");
    expect(await runs.list({ limit: 1 })).toMatchObject([{ command: "event_forget", status: "accepted", attempts: 1 }]);
    expect(memoryEvents.rows.size).toBe(3);
    memoryEvents.stuck.on = false;
    events.forget = forget;
    await passes(MINUTE);
    admin.hears(/^Deleted for good: 2 events and 1 failed event of kim\n/);
  });

  it("that somebody stops while it waits for the queue has deleted nothing", async () => {
    const { admin, person, memoryEvents, runs } = await desk();
    memoryEvents.stuck.on = true;
    const op = person("telegram:1002", "operator");
    await admin.says("/event_forget kim");
    const working = admin.presses("Yes, run it");
    const id = await vi.waitFor(async () => {
      const [run] = await runs.list({ limit: 1 });
      if (run?.status !== "running") throw new Error("it has not begun");
      return run.run_id;
    });
    await op.calls("run_cancel", { run_id: id });
    await working;
    expect(await runs.get(id)).toMatchObject({ status: "cancelled" });
    expect(memoryEvents.rows.size).toBe(3);
  });

  it("that somebody stops half way says what is gone, and how to go on", async () => {
    const { admin, events, runs, person } = await desk();
    const op = person("telegram:1002", "operator");
    events.forget = async (_user, signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { stored: 2_000, failed: 1, done: false };
    };
    await admin.says("/event_forget kim");
    const working = admin.presses("Yes, run it");
    const id = await vi.waitFor(async () => {
      const [run] = await runs.list({ limit: 1 });
      if (run?.status !== "running") throw new Error("it has not begun");
      return run.run_id;
    });
    await op.calls("run_cancel", { run_id: id });
    await working;
    admin.hears(
      /^event_forget was cancelled by telegram:1002\nDone by then:\nStopped early: 2000 events and 1 failed event of kim are deleted/,
    );
    admin.hears("To delete the rest: /event_forget kim");
  });

  it("is for admins", async () => {
    const { person, memoryEvents } = await desk();
    for (const role of ["operator", "viewer", "ingest", null] as const) {
      const asker = person(`telegram:${role}`, role);
      expect([role, codeOf(await asker.says("/event_forget kim"))]).toEqual([role, "forbidden"]);
      expect([role, codeOf(await asker.calls("event_forget", { user_id: "kim" }))]).toEqual([role, "forbidden"]);
    }
    expect(memoryEvents.rows.size).toBe(3);
  });

  it("cannot be confirmed by another", async () => {
    const { admin, person, memoryEvents } = await desk();
    const token = tokenOf(await admin.says("/event_forget kim"));
    expect(codeOf(await person("telegram:1005", "admin").asks({ kind: "confirm", token }))).toBe("confirmation_gone");
    expect(memoryEvents.rows.size).toBe(3);
  });

  it("speaks the asker's language", async () => {
    const { person } = await desk();
    const ko = person("telegram:ko", "admin", { locale: "ko" });
    await ko.says("/event_forget kim");
    ko.hears("kim의 이벤트 2건, 실패한 이벤트 1건과 아직 저장 중인 이벤트를 모두 삭제합니다. 되돌릴 수 없습니다.");
    const ru = person("telegram:ru", "admin", { locale: "ru" });
    await ru.says("/event_forget kim");
    await ru.presses("Да, выполнить");
    ru.hears(/^Удалено навсегда у kim: 2 события и 1 несохранённое\nОтменить это нельзя\./);
  });
});
