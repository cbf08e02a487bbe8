import formbody from "@fastify/formbody";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerTo } from "../../core/carry-out.ts";
import { type Issue, OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { Outcome, ReplyTo } from "../../core/request.ts";
import { canonicalHash } from "../canonical.ts";
import type { DialectRoute } from "../deps.ts";
import { givenParameters } from "../parameters.ts";
import type { RouteDeps } from "./commands.ts";

type Given = Readonly<Record<string, string>>;

/** Routes of systems that Switchboard replaces (contract, "Dialect of the infra service"). Which there are is handed over: none is known here. */
export function dialectRoutes(api: FastifyInstance, routes: RouteDeps): void {
  api.register((scope, _options, done) => {
    scope.register(formbody);
    scope.addContentTypeParser("*", (_request, _body, refuse) => refuse(notAForm()));
    for (const route of routes.deps.dialects)
      scope.route({
        method: [...route.methods],
        url: route.path,
        handler: (request, reply) => carryOut(routes, route, { request, reply }),
      });
    done();
  });
}

function notAForm(): OpsError {
  return new OpsError("unsupported_media_type", "neither JSON nor a form", { text: text("http.body_not_form_type") });
}

async function carryOut(
  { deps, auth, answer }: RouteDeps,
  route: DialectRoute,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const { given, issues } = givenParameters(route.parameters, request);
  const listing = deps.directory.commands(auth.callerOf(request).person.role).find(({ slug }) => slug === route.command);
  const input = inputOf(route, given);
  const wanted = { ask: { kind: "call", command: route.command, input } } as const;
  // Whoever may not run it, and where there is none, hears so from dispatch before a parameter is looked at.
  if (!listing) return answer(request, reply, wanted);
  const wrong = [...issues, ...chatIssues(route, given), ...inputIssues(() => listing.parse(input))];
  if (wrong.length > 0) throw badParameters(route, wrong);
  const { parameter, platform, gets_result } = route.chat;
  const chat: ReplyTo = { platform, address: given[parameter] ?? "" };
  const dedupe = `dialect:${canonicalHash([route.command, chat, listing.parse(input)])}`;
  const asked = answer.toRequest(request, { ...wanted, dedupe, reply_to: gets_result ? chat : null });
  const outcome = await deps.dispatch(asked);
  if (outcome.kind === "confirm") return answer.send(request, reply, outcome);
  const run_id = runIdOf(route, outcome);
  const said = outcome.kind === "done" ? answerTo(asked, run_id, { reply: outcome.reply, delay_ms: 0 }) : null;
  if (said) await deps.deliver(said);
  return reply.status(202).send({ message: route.message(given), run_id });
}

function inputOf({ parameters }: DialectRoute, given: Given): Given {
  const fields = parameters.filter(({ name, is_input }) => is_input && given[name] !== undefined);
  return Object.fromEntries(fields.map(({ name }) => [name, given[name] ?? ""]));
}

/** @throws OpsError what failed; a parameter that the command refuses is as bad as one that is missing */
function runIdOf(route: DialectRoute, outcome: Outcome): string | null {
  if (outcome.kind === "queued") return outcome.run_id;
  if (outcome.kind === "done") return outcome.run_id ?? null;
  if (outcome.kind !== "failed") throw new OpsError("internal", `a call came out as ${outcome.kind}`);
  const { error } = outcome;
  throw error.code === "invalid_input" && error.issues.length > 0 ? badParameters(route, error.issues) : error;
}

function chatIssues({ chat, parameters }: DialectRoute, given: Given): Issue[] {
  const address = given[chat.parameter];
  const field = chat.parameter;
  if (address === undefined) {
    // What is a field of the command is missed by its schema.
    const isInput = parameters.some(({ name, is_input }) => is_input && name === field);
    return isInput ? [] : [{ path: field, message: text("parse.required", { field }) }];
  }
  return chat.form.test(address) ? [] : [{ path: field, message: text("http.not_a_chat", { field }) }];
}

function inputIssues(parse: () => unknown): readonly Issue[] {
  try {
    parse();
    return [];
  } catch (thrown) {
    if (thrown instanceof OpsError && thrown.code === "invalid_input") return thrown.issues;
    throw thrown;
  }
}

/** One issue a parameter, in the order of the route's parameters; `ip.0` is `ip`. */
function badParameters({ parameters }: DialectRoute, wrong: readonly Issue[]): OpsError {
  const names = parameters.map(({ name }) => name);
  const named = wrong.map(({ path, message }) => ({ path: path.split(".")[0] ?? path, message }));
  const issues = names.flatMap((name) => named.find(({ path }) => path === name) ?? []);
  const told = issues.length > 0 ? issues : named;
  return new OpsError("bad_request", `bad parameters: ${told.map(({ path }) => path).join(", ")}`, {
    issues: told,
    ...(told[0] && { text: told[0].message }),
  });
}
