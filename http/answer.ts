import type { FastifyReply, FastifyRequest } from "fastify";
import { type PlainReply, plain, type Reply, toPlainText } from "../core/reply.ts";
import type { Ask, Outcome, ReplyTo, Request } from "../core/request.ts";
import type { Auth } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { negotiateLocale } from "./language.ts";

/** The HTTP status of what is no failure (contract, "REST"). */
const STATUS = { done: 200, queued: 202, confirm: 409, ask: 200, suggest: 200 } as const;

/** A reply in the reader's language, and all of it as plain text besides. */
export type ShownReply = PlainReply & { readonly text: string };

/** What is asked, and where its answer goes besides to the caller. */
export interface Asked {
  readonly ask: Ask;
  readonly conversation?: string;
  /** A chat that gets the result; null where the caller waits for it. */
  readonly reply_to?: ReplyTo | null;
  readonly dedupe?: string;
}

/** Hands what is asked to dispatch and answers with what became of it. */
export interface Answer {
  (request: FastifyRequest, reply: FastifyReply, asked: Asked): Promise<FastifyReply>;
  /** What dispatch is given. */
  toRequest(request: FastifyRequest, asked: Asked): Request;
  /**
   * Answers with an outcome.
   * @throws OpsError what failed; it becomes a problem document
   */
  send(request: FastifyRequest, reply: FastifyReply, outcome: Outcome, conversation?: string): FastifyReply;
}

/** Makes the one way from a request to dispatch and back. */
export function createAnswer(deps: HttpDeps, auth: Auth): Answer {
  const toRequest: Answer["toRequest"] = (request, { ask, conversation, reply_to, dedupe }) => {
    const { identity, person } = auth.callerOf(request);
    return {
      request_id: request.id,
      ...{ identity, person, ask },
      reply_to: reply_to ?? null,
      conversation: conversation ?? null,
      locale: negotiateLocale(request.headers["accept-language"], deps.locale),
      zone: person.zone ?? deps.zone,
      ...(dedupe !== undefined && { dedupe }),
    };
  };
  const send: Answer["send"] = (request, reply, outcome, conversation) => {
    const locale = negotiateLocale(request.headers["accept-language"], deps.locale);
    const zone = auth.callerOf(request).person.zone ?? deps.zone;
    const show = (said: Reply): ShownReply => {
      const shown = plain(said, deps.texts, locale, zone);
      return { ...shown, text: toPlainText(shown) };
    };
    const body = { ...toBody(outcome, show), ...(conversation !== undefined && { conversation }) };
    return reply.status(STATUS[body.outcome]).send(body);
  };
  const answer = async (request: FastifyRequest, reply: FastifyReply, asked: Asked) =>
    send(request, reply, await deps.dispatch(toRequest(request, asked)), asked.conversation);
  return Object.assign(answer, { toRequest, send });
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
