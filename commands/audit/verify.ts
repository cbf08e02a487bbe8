import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, text } from "../../core/reply.ts";

/** A line's number and hash, as an earlier answer gave them. */
const WITNESS = /^(\d{1,15}):([0-9a-f]{64})$/;

/**
 * Checks the audit, every line of it. The chain shows a line that was changed, removed or put in; the head, which is kept apart, that the last ones
 * were cut off. Whoever may change both and knows how hashes are made can write another past: against that helps a witness outside.
 */
export const auditVerify = defineCommand({
  name: "audit verify",
  aliases: [],
  summary: { en: "Check that the audit is whole", ko: "감사 기록이 온전한지 확인", ru: "Проверить целостность журнала действий" },
  phrases: { en: ["has somebody changed the audit"], ko: ["감사 기록 변조 확인해 줘"], ru: ["не подделан ли журнал"] },
  examples: { en: ["audit_verify"], ko: ["audit_verify"], ru: ["audit_verify"] },
  input: z.object({
    witness: z
      .string()
      .trim()
      .toLowerCase()
      .regex(WITNESS, { error: "text:audit.bad_witness" })
      .optional()
      .describe("Number and hash that an earlier answer gave, NUMBER:HASH"),
  }),
  output: z.object({
    lines: z.number(),
    head: z.string(),
    /** The first line that is not as it was written, or is missing. */
    broken: z.number().nullable(),
    /** Whether the witness still fits; null where none was given. */
    witnessed: z.boolean().nullable(),
  }),
  positional: ["witness"],
  role: "admin",
  effect: "read",
  // A million lines take about ten seconds.
  execution: { mode: "queued", timeout_ms: 600_000, attempts: 3 },
  async handle({ witness }, { ports, signal }) {
    const verdict = await ports.trail.verify(signal);
    const [, seq, hash] = WITNESS.exec(witness ?? "") ?? [];
    return { ...verdict, witnessed: seq === undefined ? null : (await ports.trail.hashOf(Number(seq))) === hash };
  },
  present({ lines, head, broken, witnessed }) {
    const whole = broken === null && witnessed !== false;
    const title = broken !== null ? text("audit.broken", { seq: broken }) : text(whole ? "audit.whole" : "audit.not_witnessed");
    return {
      tone: whole ? "ok" : "error",
      title,
      fields: [
        { label: text("audit.lines"), value: raw(String(lines)) },
        ...(head === "" || broken !== null ? [] : [{ label: text("audit.witness"), value: raw(`${lines}:${head}`), code: true }]),
      ],
      lines: [text(whole ? "audit.keep" : "audit.what_now")],
    };
  },
});
