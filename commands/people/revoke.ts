import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { ROLES } from "../../core/request.ts";
import { identity } from "../fields.ts";

/** Takes every role from a person. */
export const revoke = defineCommand({
  name: "revoke",
  aliases: [],
  summary: { en: "Take a person's role away", ko: "사용자 권한 회수", ru: "Забрать роль у человека" },
  phrases: { en: ["lock somebody out", "take a role away"], ko: ["권한 회수해 줘"], ru: ["забери роль", "отзови доступ"] },
  examples: { en: ["revoke telegram:1004"], ko: ["revoke telegram:1004"], ru: ["revoke telegram:1004"] },
  input: z.object({ identity: identity.describe("Who, e.g. telegram:1004") }),
  output: z.object({ identity: z.string(), before: z.enum(ROLES).nullable() }),
  positional: ["identity"],
  role: "admin",
  effect: "write",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle(input, { ports, identity: by }) {
    if (input.identity === by)
      throw new OpsError("invalid_input", `${by} may not change their own role`, { text: text("grant.not_yourself") });
    const { before } = await ports.people.revoke(input.identity, by);
    return { identity: input.identity, before };
  },
  present: ({ identity: who, before }) => ({ tone: "ok", title: text(before ? "revoke.done" : "revoke.unchanged", { identity: who }) }),
  undo: ({ identity: who, before }) => (before && before !== "ingest" ? `grant ${who} ${before}` : undefined),
});
