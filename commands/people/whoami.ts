import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, text } from "../../core/reply.ts";
import { ROLES } from "../../core/request.ts";

/** Says who the asker is to Switchboard. */
export const whoami = defineCommand({
  name: "whoami",
  aliases: [],
  summary: { en: "See who you are here and what you may do", ko: "내 계정과 권한 보기", ru: "Кто я здесь и что мне можно" },
  phrases: { en: ["who am i", "what is my role"], ko: ["내 권한 알려 줘"], ru: ["кто я", "какая у меня роль"] },
  examples: { en: ["whoami"], ko: ["whoami"], ru: ["whoami"] },
  input: z.object({}),
  output: z.object({ person_id: z.string(), name: z.string(), identity: z.string(), role: z.enum(ROLES).nullable() }),
  positional: [],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle(_input, { person, identity }) {
    return { person_id: person.person_id, name: person.name, identity, role: person.role };
  },
  present: ({ identity, role }) => ({
    tone: "info",
    title: text("whoami.title", { identity }),
    fields: [{ label: text("role.label"), value: role ? text(`role.${role}`) : raw("-") }],
  }),
});
