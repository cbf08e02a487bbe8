import { type Command, effectOf, presentOutput, slugOf } from "./command.ts";
import type { PersonLimits } from "./config-people.ts";
import { OpsError, toOpsError } from "./errors.ts";
import { execute } from "./execute.ts";
import type { Call } from "./policy/call.ts";
import { confirm } from "./policy/confirm.ts";
import type { CommandPorts, Ephemeral } from "./ports.ts";
import { type Reply, text } from "./reply.ts";
import type { Outcome, Request } from "./request.ts";
import { idFrom, type NewDelivery, type NewRun, type RunAcceptor } from "./run.ts";
import type { RunClaim } from "./stores.ts";
import type { Turns } from "./turns.ts";

/** What carrying out a call needs of the world. */
export interface CarryOutDeps {
  readonly ports: CommandPorts;
  readonly ephemeral: Ephemeral;
  readonly runs: RunAcceptor;
  /** A random token of at most 50 URL-safe characters, not to be guessed. */
  readonly newToken: () => string;
  readonly inTurn: Turns;
  /** How much one person may ask for. */
  readonly limits: PersonLimits;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
}

/** When it is worth asking again for a run that somebody else carries out. */
const BUSY_MS = 1_000;

/** How long a "running" message waits: quick work is answered by one message, which halves what a chat's budget is used for. */
const RUNNING_DELAY_MS = 300;

/** The policies, in order, and then the run. A policy refuses by throwing, or answers in the run's place. */
export async function carryOut(deps: CarryOutDeps, call: Call): Promise<Outcome> {
  await call.command.check?.(call.input, deps.ports);
  const question = await confirm(call, deps.ephemeral, deps);
  if (question) return question;
  // A person's runs are counted and accepted in turn, or many asked for at once would all find room.
  if (call.command.execution.mode === "queued") return deps.inTurn(call.person.person_id, () => enqueue(deps, call));
  const onlyLooks = effectOf(call.command, call.input) === "read" || call.command.next !== undefined;
  return onlyLooks ? runNow(deps, call) : runOnce(deps, call);
}

async function enqueue(deps: CarryOutDeps, call: Call): Promise<Outcome> {
  const record = newRun(call);
  const message = answerTo(call.request, record.run_id, { reply: runningReply(record), delay_ms: RUNNING_DELAY_MS });
  const stored = await deps.runs.accept(record, message, deps.limits.open_runs);
  // Another, where this request joined a run that was open already.
  return { kind: "queued", run_id: stored.run_id, reply: runningReply(stored) };
}

function runningReply({ command, run_id }: Pick<NewRun, "command" | "run_id">): Reply {
  return {
    tone: "pending",
    title: text("run.running", { command }),
    fields: [{ label: text("run.id"), value: { raw: run_id }, code: true }],
  };
}

async function runNow(deps: CarryOutDeps, call: Call): Promise<Outcome> {
  const output = await execute(call.command, call.input, contextOf(deps, call));
  return { kind: "done", output, reply: presentOutput(call.command, output) };
}

/** An inline command that changes something: a run like any other, so that a redelivered request gets the stored output. */
async function runOnce(deps: CarryOutDeps, call: Call): Promise<Outcome> {
  const record = newRun(call);
  try {
    const { run: stored, claim } = await deps.runs.begin(record);
    if (stored.status === "succeeded") return done(call.command, stored.output, stored.run_id);
    if (stored.error) throw new OpsError(stored.error.code, `run ${stored.run_id} has failed before`, { text: stored.error.text });
    // Somebody else is at it: whoever comes again finds what became of it.
    if (!claim) throw new OpsError("unavailable", `run ${stored.run_id} is being carried out`, { retry_after_ms: BUSY_MS });
    const outcome = await attempt(deps, call, claim);
    // Outside of the attempt: a success that cannot be stored is no failure of the command.
    await deps.runs.end(claim, { status: "succeeded", output: outcome.output, error: null, reply: outcome.reply });
    return outcome;
  } finally {
    deps.runs.letGo(record.run_id);
  }
}

async function attempt(deps: CarryOutDeps, call: Call, claim: RunClaim): Promise<Done> {
  try {
    return done(call.command, await execute(call.command, call.input, contextOf(deps, call)), claim.run_id);
  } catch (thrown) {
    const error = toOpsError(thrown);
    const { code, text } = error;
    await deps.runs.end(claim, { status: "failed", output: null, error: { code, text }, reply: failedReply(error) });
    throw error;
  }
}

type Done = Extract<Outcome, { kind: "done" }>;

function done(command: Command, output: unknown, run_id: string): Done {
  return { kind: "done", output, reply: presentOutput(command, output), run_id };
}

function contextOf(deps: CarryOutDeps, call: Call) {
  const { person, request } = call;
  return {
    person,
    identity: request.identity,
    run_id: idFrom(call.seed),
    attempt: 1,
    last_attempt: true,
    signal: deps.stopping,
    ports: deps.ports,
  };
}

function newRun({ request, person, command, input, seed }: Call): NewRun {
  const { identity, locale, zone, dedupe } = request;
  const asked = { run_id: idFrom(seed), request_id: seed, command: slugOf(command), input, person_id: person.person_id };
  return { ...asked, identity, locale, zone, ...(dedupe !== undefined && { dedupe_key: dedupe }) };
}

/** The message that answers a request, or null where the asker waits for the outcome itself. The same request has the same message. */
export function answerTo(
  request: Request,
  run_id: string | null,
  what: { readonly reply: Reply; readonly delay_ms: number },
): NewDelivery | null {
  const { request_id, reply_to, locale, zone, person, identity } = request;
  if (reply_to === null) return null;
  const turn = { lane: "interactive", caused_by: person?.person_id ?? identity } as const;
  return { delivery_id: idFrom(`answer:${run_id ?? request_id}`), request_id, run_id, reply_to, locale, zone, ...turn, ...what };
}

/** How a failure is said: one sentence, and what else is wrong with the input. */
export function failedReply(error: OpsError, request_id?: string): Reply {
  const title = error.code === "internal" && request_id ? text("errors.internal_request", { request_id }) : error.text;
  const more = error.issues.slice(1).map((issue) => issue.message);
  return { tone: "error", title, ...(more.length > 0 && { lines: more }) };
}
