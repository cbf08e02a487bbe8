import { randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBodies, UnreadableBody } from "../body.ts";
import { type Answer, carryOut, type EmulatorDeps } from "../emulator.ts";
import type { Fault } from "../faults.ts";
import type { Budget } from "./budget.ts";
import { listRules } from "./list.ts";
import { failure, noRoute, noSuchRule, Refusal } from "./refusal.ts";
import { type Change, editedRule, newRule, type Rule, type Rules, type Scope } from "./rules.ts";

/** What the routes of the API need. */
export interface CloudflareApi {
  readonly deps: EmulatorDeps;
  readonly rules: Rules;
  readonly budget: Budget;
  readonly token: string;
  readonly zones: readonly string[];
  readonly accounts: readonly string[];
}

interface Done {
  readonly result: unknown;
  readonly result_info?: unknown;
  readonly changes?: readonly Change[];
  readonly rule_id?: string;
}

type Act = (api: CloudflareApi, request: FastifyRequest) => Done;

/** Below /client/v4, without the query: what faults and the log know a call by. */
const pathOf = (request: FastifyRequest) => request.url.replace(/^.*?\/client\/v4/, "").replace(/[?#].*$/, "");

function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Throws what Cloudflare says to a call without a valid token. */
function authorise({ token }: CloudflareApi, request: FastifyRequest): void {
  const { authorization } = request.headers;
  if ("x-auth-key" in request.headers || "x-auth-email" in request.headers)
    throw new Refusal(403, 9103, "Unknown X-Auth-Key or X-Auth-Email");
  if (authorization === undefined) throw new Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
  const [, given] = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization) ?? [];
  if (!given) throw new Refusal(400, 6003, "Invalid request headers");
  if (sameSecret(given, token)) return;
  if (pathOf(request) === "/user/tokens/verify") throw new Refusal(401, 1000, "Invalid API Token");
  throw new Refusal(403, 9109, "Invalid access token");
}

function scopeOf({ zones, accounts }: CloudflareApi, request: FastifyRequest): Scope {
  const { zone, account } = request.params as { zone?: string; account?: string };
  if (zone !== undefined && zones.includes(zone)) return { type: "zone", id: zone };
  if (account !== undefined && accounts.includes(account)) return { type: "account", id: account };
  if (zone === undefined && account === undefined) return { type: "user", id: "0".repeat(32) };
  throw noRoute(pathOf(request));
}

function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  if (body !== null && typeof body === "object" && !Array.isArray(body)) return body as Readonly<Record<string, unknown>>;
  throw new Refusal(400, 6007, "Malformed JSON in request body");
}

function findRule(api: CloudflareApi, request: FastifyRequest): Rule {
  const rule = api.rules.get(scopeOf(api, request), (request.params as { rule: string }).rule);
  if (!rule) throw noSuchRule();
  return rule;
}

/** A rule as the API shows it, where an account is an organization. */
const shown = (rule: Rule) => (rule.scope.type === "account" ? { ...rule, scope: { ...rule.scope, type: "organization" } } : rule);

const timestamp = ({ deps }: CloudflareApi) => new Date(deps.now()).toISOString();

const create: Act = (api, request) => {
  const id = randomBytes(16).toString("hex");
  const scope = scopeOf(api, request);
  const rule = newRule(api.rules.shelf(scope), scope, { id, body: bodyOf(request), now: timestamp(api) });
  return { result: shown(rule), changes: [{ type: "rule", rule }], rule_id: id };
};

/** A zone's list has the rules that hold there: the account's too (https://github.com/cloudflare/cf-terraforming/issues/201). */
function listed({ accounts }: CloudflareApi, scope: Scope): readonly Scope[] {
  return scope.type === "zone" ? [scope, ...accounts.map((id) => ({ type: "account" as const, id }))] : [scope];
}

const list: Act = (api, request) => {
  const shelves = listed(api, scopeOf(api, request)).map((scope) => api.rules.shelf(scope));
  const { result, result_info } = listRules(shelves, request.query as Readonly<Record<string, unknown>>);
  return { result: result.map(shown), result_info };
};

const get: Act = (api, request) => ({ result: shown(findRule(api, request)) });

const edit: Act = (api, request) => {
  const rule = editedRule(findRule(api, request), bodyOf(request), timestamp(api));
  return { result: shown(rule), changes: [{ type: "rule", rule }], rule_id: rule.id };
};

const remove: Act = (api, request) => {
  const { id: rule_id } = findRule(api, request);
  return { result: { id: rule_id }, changes: [{ type: "deleted", rule_id }], rule_id };
};

const verify: Act = () => ({ result: { id: "f".repeat(32), status: "active" } });

const noSuchRoute: Act = (_api, request) => {
  throw new Refusal(404, 7000, `No route for that URI: ${pathOf(request)}`);
};

/** Writes the call to the log and makes its changes true. Nothing may be answered before. */
function commit({ deps, rules }: CloudflareApi, entry: Readonly<Record<string, unknown>>, changes: readonly Change[]): void {
  deps.log.append({ at: new Date(deps.now()).toISOString(), kind: "call", ...entry, ...(changes.length > 0 ? { changes } : {}) });
  for (const change of changes) rules.apply(change);
}

const faultNote = (fault: Fault | undefined) => (fault ? { fault: fault.drop ? "drop" : (fault.status ?? "delay") } : {});

function refuse(api: CloudflareApi, entry: Readonly<Record<string, unknown>>, refusal: Refusal): Answer {
  const { status, code, message: description } = refusal;
  commit(api, { ...entry, status, code, description }, []);
  return failure(refusal);
}

function faultRefusal({ status, retry_after }: Fault & { status: number }): Refusal {
  if (status === 429) return new Refusal(429, 971, "Please wait and consider throttling your request speed", retry_after ?? 1);
  return new Refusal(status, status < 500 ? 10000 : 10002, status < 500 ? "Authentication error" : "Internal error", retry_after);
}

function carry(
  api: CloudflareApi,
  request: FastifyRequest,
  { act, entry }: { act: Act; entry: Readonly<Record<string, unknown>> },
): Answer {
  try {
    const { changes = [], rule_id, ...done } = act(api, request);
    commit(api, { ...entry, ...(rule_id ? { rule_id } : {}), status: 200 }, changes);
    return { status: 200, body: { ...done, success: true, errors: [], messages: [] } };
  } catch (thrown) {
    if (thrown instanceof Refusal) return refuse(api, entry, thrown);
    throw thrown;
  }
}

/** The token first, then the budget, then what the fault says: a stranger uses nothing up. */
async function serve(api: CloudflareApi, act: Act, [request, reply]: [FastifyRequest, FastifyReply]): Promise<FastifyReply> {
  const method = `${request.method} ${pathOf(request)}`;
  const send = ({ status, headers = {}, body }: Answer) => reply.code(status).headers(headers).send(body);
  try {
    authorise(api, request);
  } catch (thrown) {
    return send(refuse(api, { method }, thrown as Refusal));
  }
  const closedMs = api.budget.take(api.deps.ticks());
  if (closedMs > 0) {
    const refusal = new Refusal(429, 971, "Please wait and consider throttling your request speed", Math.ceil(closedMs / 1_000));
    return send(refuse(api, { method, breach: true }, refusal));
  }
  const fault = api.deps.faults.take("cloudflare", method);
  const entry = { method, ...faultNote(fault) };
  const refuseFault = (standing: Fault & { status: number }) => refuse(api, entry, faultRefusal(standing));
  return carryOut(request, reply, { fault, refuse: refuseFault, act: () => carry(api, request, { act, entry }) });
}

const RULES = "/firewall/access_rules/rules";

/** Adds the IP access rules of zones, accounts and the user, and the check of a token. */
export function cloudflareRoutes(app: FastifyInstance, api: CloudflareApi): void {
  readBodies(app);
  const on = (act: Act) => (request: FastifyRequest, reply: FastifyReply) => serve(api, act, [request, reply]);
  app.setErrorHandler((thrown: Error & { statusCode?: number }, request, reply) => {
    const status = thrown.statusCode ?? 500;
    if (status >= 500) request.log.error(thrown);
    const refusal = new Refusal(
      status,
      thrown instanceof UnreadableBody ? 6007 : 10002,
      status < 500 ? "Malformed JSON in request body" : "Internal error",
    );
    return reply.code(status).send(failure(refusal).body);
  });
  app.setNotFoundHandler(on(noSuchRoute));
  app.get("/user/tokens/verify", on(verify));
  for (const scope of ["/zones/:zone", "/accounts/:account", "/user"]) {
    const path = `${scope}${RULES}`;
    app.post(path, on(create));
    app.get(path, on(list));
    app.get(`${path}/:rule`, on(get));
    app.patch(`${path}/:rule`, on(edit));
    app.delete(`${path}/:rule`, on(remove));
  }
}
