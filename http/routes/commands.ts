import type { FastifyInstance } from "fastify";
import { OpsError } from "../../core/errors.ts";
import type { Answer } from "../answer.ts";
import type { Auth } from "../auth.ts";
import { toInput } from "../body.ts";
import type { HttpDeps } from "../deps.ts";
import { negotiateLocale } from "../language.ts";

/** Tokens are random and URL-safe; anything else is no token, and never reaches a store. */
const TOKEN = /^[\w-]{1,200}$/;

/** What every route of the API is given. */
export interface RouteDeps {
  readonly deps: HttpDeps;
  readonly auth: Auth;
  readonly answer: Answer;
}

/** The catalogue, every command under its slug, and what becomes of a confirmation. */
export function commandRoutes(api: FastifyInstance, { deps, auth, answer }: RouteDeps): void {
  api.get("/commands", (request) => {
    const locale = negotiateLocale(request.headers["accept-language"], deps.locale);
    const listings = deps.directory.commands(auth.callerOf(request).person.role);
    const commands = listings.map(({ name, slug, aliases, summary, role, effect, input_schema, examples }) => {
      return { name, slug, aliases, summary: summary(locale), role, effect, input: input_schema, examples: examples(locale) };
    });
    return Promise.resolve({ commands });
  });

  api.post<{ Params: { slug: string } }>("/commands/:slug", (request, reply) =>
    answer(request, reply, { ask: { kind: "call", command: request.params.slug, input: toInput(request.body) } }),
  );

  api.post<{ Params: { token: string } }>("/confirmations/:token", (request, reply) =>
    answer(request, reply, { ask: { kind: "confirm", token: toToken(request.params.token) } }),
  );

  api.delete<{ Params: { token: string } }>("/confirmations/:token", (request, reply) =>
    answer(request, reply, { ask: { kind: "cancel", token: toToken(request.params.token) } }),
  );
}

function toToken(word: string): string {
  if (TOKEN.test(word)) return word;
  throw new OpsError("confirmation_gone", "not the form of a token");
}
