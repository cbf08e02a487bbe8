import { expect, it, vi } from "vitest";
import { createSpeakers } from "../../bots/telegram/speakers.ts";
import type { Person } from "../../core/request.ts";

const person = (role: Person["role"]): Person => ({ person_id: "p-1", name: "Kim", role, locale: null, zone: null });
const says = (id: number) => ({
  update_id: 1,
  message: {
    message_id: 1,
    date: 0,
    chat: { id, type: "private" as const, first_name: "Kim" },
    from: { id, is_bot: false, first_name: "Kim" },
    text: "/ping",
  },
});

/** People of whom this one is asked for. */
function open() {
  const asked: string[] = [];
  let role: Person["role"] = "operator";
  const find = async (identity: string) => {
    asked.push(identity);
    return person(role);
  };
  const revoke = () => {
    role = null;
  };
  return { asked, revoke, speakers: createSpeakers({ find }) };
}

it("whoever speaks is looked up once: while their words are being stored", async () => {
  const { asked, speakers } = open();
  speakers.expect(says(7));
  expect(await speakers.find("telegram:7")).toMatchObject({ role: "operator" });
  expect(asked).toEqual(["telegram:7"]);
  await speakers.find("telegram:7");
  await speakers.find("telegram:8");
  expect(asked).toEqual(["telegram:7", "telegram:7", "telegram:8"]);
});

it("what was looked up a while ago is looked up again, for it may have changed", async () => {
  const { speakers, revoke } = open();
  const now = vi.spyOn(performance, "now").mockReturnValue(1_000);
  speakers.expect(says(7));
  revoke();
  now.mockReturnValue(1_050);
  expect(await speakers.find("telegram:7")).toMatchObject({ role: null });
  now.mockRestore();
});

it("a look-up that fails is heard of by whoever asks for it", async () => {
  const speakers = createSpeakers({ find: async () => Promise.reject(new Error("away")) });
  speakers.expect(says(7));
  await new Promise(setImmediate);
  await expect(speakers.find("telegram:7")).rejects.toThrow("away");
});
