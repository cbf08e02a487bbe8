import { expect, it } from "vitest";
import { createTurns } from "../../core/turns.ts";
import { createTestDesk } from "../support/conversation.ts";

it("work of one key is done in turn, though one fails; other keys do not wait", async () => {
  const inTurn = createTurns();
  const done: string[] = [];
  let release = () => {};
  const held = inTurn("a", () => new Promise<void>((resolve) => (release = resolve)).then(() => void done.push("a1")));
  const failing = inTurn("a", async () => Promise.reject(new Error("no")));
  const last = inTurn("a", async () => void done.push("a3"));
  await inTurn("b", async () => void done.push("b1"));
  release();
  await held;
  await expect(failing).rejects.toThrow("no");
  await last;
  expect(done).toEqual(["b1", "a1", "a3"]);
});

it("of a hundred runs asked for at once fifty are accepted", async () => {
  const desk = createTestDesk();
  desk.workers.on = false;
  const op = desk.person("telegram:1002", "operator");
  const asks = Array.from({ length: 100 }, (_, index) => op.calls("cf_block", { ip: `203.0.113.${index}` }));
  const kinds = (await Promise.all(asks)).map((outcome) => (outcome.kind === "failed" ? outcome.error.code : outcome.kind));
  expect(kinds.filter((kind) => kind === "queued")).toHaveLength(50);
  expect(kinds.filter((kind) => kind === "rate_limited")).toHaveLength(50);
});
