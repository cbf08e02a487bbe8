import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, text } from "../../core/reply.ts";

const Part = z.object({ part: z.string(), state: z.enum(["ok", "degraded", "down"]), note: z.string().optional() });

/** Says whether every part works. */
export const ping = defineCommand({
  name: "ping",
  aliases: [],
  summary: { en: "See whether everything works", ko: "시스템 상태 확인", ru: "Проверить, всё ли работает" },
  phrases: { en: ["are you there", "is everything ok"], ko: ["살아 있어", "잘 되고 있어"], ru: ["ты тут", "всё работает"] },
  examples: { en: ["ping"], ko: ["ping"], ru: ["ping"] },
  input: z.object({}),
  output: z.object({ parts: z.array(Part).readonly() }),
  positional: [],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 5_000 },
  handle: async (_input, { ports }) => ({ parts: await ports.health.check() }),
  present({ parts }) {
    const ill = parts.filter(({ state }) => state !== "ok");
    const fields = parts.map(({ part, state, note }) => ({ label: raw(part), value: raw(note ? `${state} (${note})` : state) }));
    return { tone: ill.length === 0 ? "ok" : "warn", title: text(ill.length === 0 ? "ping.ok" : "ping.ill"), fields };
  },
});
