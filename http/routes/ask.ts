import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { LOCALES } from "../../core/locale.ts";
import { parseInput } from "../../core/text/issues.ts";
import { MAX_LINE_CHARS } from "../../core/text/normalise.ts";
import { toInput } from "../body.ts";
import type { RouteDeps } from "./commands.ts";

/** The body of the route. */
export const Question = z.object({
  text: z.string().min(1).max(MAX_LINE_CHARS).describe("A line as in a chat: a command with its arguments, or an answer to a question"),
  conversation: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .describe("Names a dialogue of this caller, as the answer before named it; made by the server when it is absent"),
  locale: z.enum(LOCALES).optional().describe("The language of the answer; wins over Accept-Language"),
});

/** A line as it is typed in a chat. */
export function askRoute(api: FastifyInstance, { answer }: RouteDeps): void {
  api.post("/ask", (request, reply) => {
    const asked = parseInput({ input: Question }, toInput(request.body));
    // The body's word wins over the header's, also for the problem that may be the answer.
    if (asked.locale) request.headers["accept-language"] = asked.locale;
    return answer(request, reply, { ask: { kind: "text", text: asked.text }, conversation: asked.conversation ?? request.id });
  });
}
