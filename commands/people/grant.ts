import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { ROLES } from "../../core/request.ts";
import { identity } from "../fields.ts";

/** Gives a person a role in place of the one they hold. Making somebody an admin is asked twice. */
export const grant = defineCommand({
  name: "grant",
  aliases: [],
  summary: { en: "Give a person a role", ko: "사용자에게 권한 부여", ru: "Дать человеку роль" },
  phrases: { en: ["let somebody in", "make someone an operator"], ko: ["권한 부여해 줘"], ru: ["дай роль", "пусти человека"] },
  examples: { en: ["grant telegram:1002 operator"], ko: ["grant telegram:1002 operator"], ru: ["grant telegram:1002 operator"] },
  input: z.object({
    identity: identity.describe("Who, e.g. telegram:1002"),
    role: z.enum(["viewer", "operator", "admin"]).describe("What they may do"),
  }),
  output: z.object({ identity: z.string(), before: z.enum(ROLES).nullable(), after: z.enum(ROLES).nullable() }),
  positional: ["identity", "role"],
  role: "admin",
  effect: ({ role }) => (role === "admin" ? "dangerous" : "write"),
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle(input, { ports, identity: by }) {
    // Whoever takes their own role away locks themselves out, at two in the morning.
    if (input.identity === by)
      throw new OpsError("invalid_input", `${by} may not change their own role`, { text: text("grant.not_yourself") });
    return { identity: input.identity, ...(await ports.people.grant(input.identity, input.role, by)) };
  },
  present: ({ identity: who, before, after }) => ({
    tone: "ok",
    title: text(before === after ? "grant.unchanged" : "grant.done", { identity: who, role: text(`role.${after ?? "none"}`) }),
    ...(before && before !== after && { fields: [{ label: text("grant.before"), value: text(`role.${before}`) }] }),
  }),
  undo({ identity: who, before, after }) {
    if (before === after) return undefined;
    return before && before !== "ingest" ? `grant ${who} ${before}` : `revoke ${who}`;
  },
});
