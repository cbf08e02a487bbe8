import { z } from "zod";
import { type CarryOutDeps, carryOut, failedReply } from "./carry-out.ts";
import { type Command, slugOf } from "./command.ts";
import { askFor, type Conversation, endConversation, isCancel, openConversation } from "./conversation.ts";
import { OpsError, toOpsError } from "./errors.ts";
import { suggest } from "./match.ts";
import { naming, nextCall } from "./next.ts";
import { authorise } from "./policy/authorise.ts";
import type { Call } from "./policy/call.ts";
import { type Confirmation, readConfirmation, reopenConfirmation, useConfirmation } from "./policy/confirm.ts";
import { limitLines } from "./policy/limit.ts";
import type { Logger } from "./ports.ts";
import type { Registry } from "./registry.ts";
import { text } from "./reply.ts";
import type { Ask, Outcome, Person, Request } from "./request.ts";
import { maskSecrets } from "./secret.ts";
import type { AuditLog } from "./stores.ts";
import { withAttachment } from "./text/attachment.ts";
import { type Bound, bind, missingFields } from "./text/bind.ts";
import { withHint } from "./text/hint.ts";
import { parseInput } from "./text/issues.ts";
import { normalise } from "./text/normalise.ts";
import { tokenise } from "./text/tokenise.ts";
import { createTurns } from "./turns.ts";

/** What dispatch needs of the world. */
export interface DispatchDeps extends Omit<CarryOutDeps, "inTurn"> {
  readonly registry: Registry;
  readonly audit: AuditLog;
  readonly log: Logger;
}

type Deps = DispatchDeps & CarryOutDeps;

/** The only entry the surfaces know. It never rejects: a failure is an outcome. */
export type Dispatch = (request: Request) => Promise<Outcome>;

/** What the audit is to know of a request, filled in while it is routed. */
interface Trace {
  command: Command | null;
  input: Readonly<Record<string, unknown>> | null;
}

/** Makes the one function that every surface hands its requests to. */
export function createDispatch(given: DispatchDeps): Dispatch {
  const deps: Deps = { ...given, inTurn: createTurns() };
  return async (request) => {
    const trace: Trace = { command: null, input: null };
    const outcome = await route(deps, request, trace).catch((thrown: unknown) => failure(deps, request, thrown));
    await audit(deps, request, outcome, trace);
    return outcome;
  };
}

/** Never rejects: what is accepted stays accepted, and whoever is told otherwise asks again. The log then has the line. */
async function audit(deps: Deps, request: Request, outcome: Outcome, trace: Trace): Promise<void> {
  // Lines past the limit leave no line of ours, or anybody could fill what is kept for ever.
  if (outcome.kind === "failed" && outcome.error.code === "rate_limited" && trace.command === null) return;
  const entry = auditEntry(request, outcome, trace);
  await deps.audit.append(entry).catch((thrown: unknown) => deps.log.error({ err: thrown, entry }, "the audit could not be written"));
}

async function route(deps: Deps, request: Request, trace: Trace): Promise<Outcome> {
  const { person, ask } = request;
  // Looked up meanwhile: a question that waits is to be had by the same round trip.
  const [waiting] = await Promise.all([ask.kind === "text" ? openConversation(request, deps.ephemeral) : null, countLine(deps, request)]);
  if (ask.kind === "refused") throw new OpsError("invalid_input", "the adapter could not read it", { text: ask.reason });
  if (person === null || person.role === null) throw stranger(request.identity);
  switch (ask.kind) {
    case "text":
      return fromText(deps, { ...request, person }, { ...ask, waiting }, trace);
    case "call": {
      const command = deps.registry.find(ask.command);
      if (!command) throw new OpsError("unknown_command", `unknown command ${ask.command.slice(0, 40)}`);
      trace.command = command;
      authorise(command, person);
      return runFrom(deps, trace, { request, person, command, input: parseInput(command, ask.input) });
    }
    case "confirm":
      return fromConfirmation(deps, { ...request, person }, ask.token, trace);
    case "cancel":
      return fromCancellation(deps, { ...request, person }, ask.token, trace);
  }
}

type Known = Request & { readonly person: Person };

/** Only what is said is counted. */
async function countLine({ ephemeral, limits }: Deps, { ask, person, identity, request_id }: Request): Promise<void> {
  if (ask.kind !== "text" && ask.kind !== "refused") return;
  await limitLines({ speaker: person?.person_id ?? identity, request_id }, ephemeral, limits.lines);
}

/** What somebody said, and the question of ours that waited for an answer. */
type Line = Extract<Ask, { kind: "text" }> & { readonly waiting: Conversation | null };

async function fromText(deps: Deps, request: Known, { text: typed, attachment, waiting }: Line, trace: Trace): Promise<Outcome> {
  const line = normalise(typed);
  if (waiting?.asked_by === request.request_id) return askAgain(deps, request, waiting, trace);
  if (isCancel(line)) {
    if (!waiting) return nothingToCancel();
    trace.command = deps.registry.find(waiting.command) ?? null;
    await endConversation(request, waiting, deps.ephemeral);
    return nothingDone();
  }
  const match = matchLine(deps.registry, line);
  if (match) {
    trace.command = match.command;
    authorise(match.command, request.person);
    if (waiting) await endConversation(request, waiting, deps.ephemeral);
    const bound = withAttachment(match.command, bind(match.command, match.rest), attachment);
    return withArguments(deps, request, { command: match.command, ...bound }, trace);
  }
  if (waiting && !line.startsWith("/")) return fromAnswer(deps, request, { waiting, line, attachment }, trace);
  return suggest(line, deps.registry, request.person.role);
}

/** The command a line begins with. Quotes are looked at only then: those of free text need not be closed. */
function matchLine(registry: Registry, line: string): ReturnType<Registry["match"]> {
  const words = line.split(/\s+/).filter((word) => word !== "");
  const begins = registry.match(words.map((value) => ({ kind: "value", value, quoted: false })));
  return begins && registry.match(tokenise(line));
}

/** A line that comes again gets the question it got before, and is no answer to it. */
async function askAgain(deps: Deps, request: Known, { command: name, input, field }: Conversation, trace: Trace): Promise<Outcome> {
  const command = deps.registry.find(name);
  if (!command) throw new OpsError("unknown_command", `no command ${name} in this release`);
  trace.command = command;
  authorise(command, request.person);
  return askFor(request, deps.ephemeral, { command, input, field });
}

async function fromAnswer(
  deps: Deps,
  request: Known,
  { waiting, line, attachment }: { waiting: Conversation; line: string; attachment: string | undefined },
  trace: Trace,
): Promise<Outcome> {
  const command = deps.registry.find(waiting.command);
  if (!command) return suggest(line, deps.registry, request.person.role);
  trace.command = command;
  authorise(command, request.person);
  const answer = withAttachment(command, bind({ input: command.input, positional: [waiting.field] }, tokenise(line)), attachment);
  const input = { ...waiting.input, ...answer.input };
  // What throws here, such as a wrong answer, leaves the question open.
  const outcome = await withArguments(deps, request, { ...answer, command, input, missing: missingFields(command, input) }, trace);
  if (outcome.kind !== "ask") await endConversation(request, waiting, deps.ephemeral);
  return outcome;
}

async function withArguments(
  deps: Deps,
  request: Known,
  { command, input, missing, hint }: Bound & { readonly command: Command },
  trace: Trace,
): Promise<Outcome> {
  const field = missing[0];
  if (field !== undefined && request.conversation !== null) {
    withHint(hint, () => checkGiven(command, input));
    return askFor(request, deps.ephemeral, { command, input, field });
  }
  return runFrom(deps, trace, { request, person: request.person, command, input: withHint(hint, () => parseInput(command, input)) });
}

/** Refuses what was given wrongly before anything else is asked for. */
function checkGiven(command: Command, input: Record<string, unknown>): void {
  const given = Object.entries(command.input.shape).filter(([field]) => input[field] !== undefined);
  parseInput({ input: z.object(Object.fromEntries(given)) }, input);
}

async function fromConfirmation(deps: Deps, request: Known, token: string, trace: Trace): Promise<Outcome> {
  const asked = await readConfirmation(token, request, deps.ephemeral);
  const command = deps.registry.find(asked.command);
  if (!command) throw new OpsError("confirmation_gone", "the command is no more");
  trace.command = command;
  // The role may have been withdrawn since the question was asked.
  authorise(command, request.person);
  const call: Call = {
    request: withWayBack(request, asked),
    person: request.person,
    command,
    input: parseInput(command, asked.input),
    confirmed: true,
    seed: `confirm-${token}`,
  };
  trace.input = maskSecrets(command.input, call.input);
  // First, so that of a yes and a no at once one is heard. A process that dies here is no loss: the same request finds the token its own.
  await useConfirmation(token, request, deps.ephemeral);
  try {
    return await carryOut(deps, call);
  } catch (thrown) {
    if (toOpsError(thrown).retryable) await reopenConfirmation(token, asked, deps.ephemeral);
    throw thrown;
  }
}

/** Where the question named a chat for the result, and whoever confirms it waits in none, it goes there. */
function withWayBack(request: Known, { reply_to, dedupe }: Confirmation): Known {
  return { ...request, reply_to: request.reply_to ?? reply_to ?? null, ...(dedupe !== undefined && { dedupe }) };
}

async function runFrom(deps: Deps, trace: Trace, call: Omit<Call, "confirmed" | "seed">): Promise<Outcome> {
  trace.input = maskSecrets(call.command.input, call.input);
  const asked: Call = { ...call, confirmed: false, seed: call.request.request_id };
  const outcome = await carryOut(deps, asked);
  const next = nextCall(deps.registry, asked, outcome);
  return next ? naming(await carryOut(deps, next)) : outcome;
}

async function fromCancellation(deps: Deps, request: Known, token: string, trace: Trace): Promise<Outcome> {
  const asked = await readConfirmation(token, request, deps.ephemeral);
  trace.command = deps.registry.find(asked.command) ?? null;
  trace.input = trace.command && maskSecrets(trace.command.input, asked.input);
  await useConfirmation(token, request, deps.ephemeral);
  return nothingDone();
}

function nothingDone(): Outcome {
  return { kind: "done", output: null, reply: { tone: "info", title: text("confirm.cancelled") } };
}

function nothingToCancel(): Outcome {
  return { kind: "done", output: null, reply: { tone: "info", title: text("conversation.nothing_to_cancel") } };
}

function stranger(identity: string): OpsError {
  const command = `/grant ${identity} viewer`;
  return new OpsError("forbidden", `${identity} is a stranger`, { text: text("policy.stranger", { identity, command }) });
}

function failure(deps: Deps, request: Request, thrown: unknown): Outcome {
  const error = toOpsError(thrown);
  if (error.code === "internal") deps.log.error({ err: error, request_id: request.request_id }, "a request failed");
  if (error.code === "unavailable") deps.log.warn({ err: error, request_id: request.request_id }, "a request could not be worked on");
  return { kind: "failed", error, reply: failedReply(error, request.request_id) };
}

function auditEntry(request: Request, outcome: Outcome, { command, input }: Trace) {
  return {
    person_id: request.person?.person_id ?? null,
    identity: request.identity,
    action: request.ask.kind === "confirm" || request.ask.kind === "cancel" ? request.ask.kind : ("ask" as const),
    command: command && slugOf(command),
    input,
    outcome: outcome.kind === "failed" ? outcome.error.code : outcome.kind,
    request_id: request.request_id,
    run_id: outcome.kind === "queued" || outcome.kind === "done" ? (outcome.run_id ?? null) : null,
  };
}
