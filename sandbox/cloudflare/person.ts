import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { EmulatorDeps } from "../emulator.ts";
import { check, invalid, Problem } from "../problem.ts";
import { Refusal } from "./refusal.ts";
import { type Change, newRule, type Rules, type Scope } from "./rules.ts";

/** What the person's side needs. */
export interface PersonDeps {
  readonly deps: EmulatorDeps;
  readonly rules: Rules;
  readonly zones: readonly string[];
  readonly accounts: readonly string[];
}

/** Rules that one request may make by hand. */
const MAX_RULES = 10_000;
/** Room for so many, each with long notes, in bytes. */
const BODY_BYTES = 8 << 20;
/** Changes in one line of the log, so that no line is too long to be read in one piece. */
const CHANGES_A_LINE = 500;

const ruleSchema = z.strictObject({
  /** `zone:<id>` or `account:<id>`; the first zone unless it is given. */
  scope: z
    .string()
    .regex(/^(zone|account):[0-9a-f]{32}$/, "must be zone:<id> or account:<id>")
    .optional(),
  mode: z.string(),
  configuration: z.strictObject({ target: z.string(), value: z.string() }),
  notes: z.string().optional(),
});
const listSchema = z.array(ruleSchema).min(1).max(MAX_RULES);

function scopeOf({ zones, accounts }: PersonDeps, named: string | undefined, path: string): Scope {
  const [type = "zone", id = zones[0] ?? ""] = named?.split(":") ?? [];
  if (type === "zone" && zones.includes(id)) return { type, id };
  if (type === "account" && accounts.includes(id)) return { type, id };
  throw invalid(path, "is no zone or account of this sandbox");
}

/** Writes what somebody did by hand to the log, and makes it true. */
function commit({ deps, rules }: PersonDeps, changes: readonly Change[]): void {
  for (let from = 0; from < changes.length; from += CHANGES_A_LINE) {
    const part = changes.slice(from, from + CHANGES_A_LINE);
    deps.log.append({ at: new Date(deps.now()).toISOString(), kind: "person", changes: part });
    for (const change of part) rules.apply(change);
  }
}

/** Makes rules as in Cloudflare's dashboard: all of them, or none where one is not valid or is there already. */
function makeRules(api: PersonDeps, body: unknown): { rule_ids: readonly string[] } {
  const isList = Array.isArray(body);
  const wanted = isList ? check(listSchema, body) : [check(ruleSchema, body)];
  const now = new Date(api.deps.now()).toISOString();
  const seen = new Set<string>();
  const changes = wanted.map((one, at): Change => {
    const path = isList ? `${at}` : "rule";
    const scope = scopeOf(api, one.scope, `${path}.scope`);
    try {
      const rule = newRule(api.rules.shelf(scope), scope, { id: randomBytes(16).toString("hex"), body: one, now });
      const key = [scope.type, scope.id, rule.configuration.target, rule.configuration.value].join(" ");
      if (seen.has(key)) throw invalid(path, "is there twice");
      seen.add(key);
      return { type: "rule", rule };
    } catch (thrown) {
      throw thrown instanceof Refusal ? invalid(path, thrown.message) : thrown;
    }
  });
  commit(api, changes);
  return { rule_ids: changes.map((change) => (change.type === "rule" ? change.rule.id : change.rule_id)) };
}

function deleteRule(api: PersonDeps, request: FastifyRequest): void {
  const { id: rule_id } = request.params as { id: string };
  if (!api.rules.scopeOf(rule_id)) throw new Problem(404, "not_found", "there is no such rule");
  commit(api, [{ type: "deleted", rule_id }]);
}

/** The person's side of Cloudflare: its dashboard. What is done here counts against no budget and meets no fault. */
export function cloudflarePerson(app: FastifyInstance, api: PersonDeps): void {
  app.get("/rules", async () => ({ rules: api.rules.all() }));
  app.post("/rules", { bodyLimit: BODY_BYTES }, async ({ body }, reply) => reply.code(201).send(makeRules(api, body)));
  app.delete("/rules/:id", async (request, reply) => {
    deleteRule(api, request);
    return reply.code(204).send();
  });
}
