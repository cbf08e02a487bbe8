import type { FastifyReply, FastifyRequest } from "fastify";
import { type PlainReply, plain, type Reply, toPlainText } from "../core/reply.ts";
import type { Ask, Outcome } from "../core/request.ts";
import type { Auth } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { negotiateLocale } from "./language.ts";

/** The HTTP status of what is no failure (contract, "REST"). */
const STATUS = { done: 200, queued: 202, confirm: 409, ask: 200, suggest: 200 } as const;

/** A reply in the reader's language, and all of it as plain text besides. */
export type ShownReply = PlainReply & { readonly text: string };

/** Hands what is asked to dispatch and answers with what became of it. */
export type Answer = (
  request: FastifyRequest,
  reply: FastifyReply,
  asked: { readonly ask: Ask; readonly conversation?: string },
) => Promise<FastifyReply>;

/** Makes the one way from a request to dispatch and back. */
export function createAnswer(deps: HttpDeps, auth: Auth): Answer {
  return async (request, reply, { ask, conversation }) => {
    const locale = negotiateLocale(request.headers["accept-language"], deps.locale);
    const { identity, person } = auth.callerOf(request);
    const zone = person.zone ?? deps.zone;
    const outcome = await deps.dispatch({
      request_id: request.id,
      identity,
      person,
      reply_to: null,
      conversation: conversation ?? null,
      locale,
      zone,
      ask,
    });
    const show = (said: Reply): ShownReply => {
      const shown = plain(said, deps.texts, locale, zone);
      return { ...shown, text: toPlainText(shown) };
    };
    const body = { ...toBody(outcome, show), ...(conversation !== undefined && { conversation }) };
    return reply.status(STATUS[body.outcome]).send(body);
  };
}

/**
 * What the contract says of an outcome.
 * @throws OpsError what failed; it becomes a problem document
 */
function toBody(outcome: Outcome, show: (reply: Reply) => ShownReply) {
  switch (outcome.kind) {
    case "done":
      return {
        outcome: outcome.kind,
        ...(outcome.run_id !== undefined && { run_id: outcome.run_id }),
        output: outcome.output ?? null,
        reply: show(outcome.reply),
      };
    case "queued":
      return { outcome: outcome.kind, run_id: outcome.run_id, status_url: `/api/v1/runs/${outcome.run_id}`, reply: show(outcome.reply) };
    case "confirm":
      return { outcome: outcome.kind, token: outcome.token, reply: show(outcome.reply) };
    case "ask":
      return { outcome: outcome.kind, field: outcome.field, reply: show(outcome.reply) };
    case "suggest":
      return { outcome: outcome.kind, commands: outcome.commands, reply: show(outcome.reply) };
    case "failed":
      throw outcome.error;
  }
}
