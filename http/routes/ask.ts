import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { LOCALES } from "../../core/locale.ts";
import { parseInput } from "../../core/text/issues.ts";
import { MAX_LINE_CHARS } from "../../core/text/normalise.ts";
import { toInput } from "../body.ts";
import type { RouteDeps } from "./commands.ts";

const Question = z.object({
  text: z.string().min(1).max(MAX_LINE_CHARS),
  /** Names a dialogue of this caller; made here when it is absent. */
  conversation: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
  locale: z.enum(LOCALES).optional(),
});

/** A line as it is typed in a chat. */
export function askRoute(api: FastifyInstance, { deps, answer }: RouteDeps): void {
  api.post("/ask", (request, reply) => {
    const asked = parseInput({ input: Question }, toInput(request.body));
    // The body's word wins over the header's, also for the problem that may be the answer.
    if (asked.locale) request.headers["accept-language"] = asked.locale;
    return answer(request, reply, { ask: { kind: "text", text: asked.text }, conversation: asked.conversation ?? deps.newId() });
  });
}
