import { brokenOffEnd, cancelledEnd, stoppedEnd } from "../core/cancelled.ts";
import { failedReply } from "../core/carry-out.ts";
import { type Command, type Effect, effectOf, presentOutput } from "../core/command.ts";
import { type ErrorCode, OpsError, toOpsError } from "../core/errors.ts";
import { execute, knownInput } from "../core/execute.ts";
import { authorise } from "../core/policy/authorise.ts";
import type { CommandPorts, Logger } from "../core/ports.ts";
import type { Registry } from "../core/registry.ts";
import { type Reply, text } from "../core/reply.ts";
import type { Person } from "../core/request.ts";
import type { RunEnd } from "../core/run.ts";
import { maskSecrets } from "../core/secret.ts";
import type { AuditLog, ClaimedRun, RunStore } from "../core/stores.ts";
import { backoff } from "./backoff.ts";
import type { Enqueue } from "./enqueue.ts";
import { persist } from "./persist.ts";
import { endStopped } from "./stopped.ts";
import { createStopWatch, type StopWatch, type WatchedRun } from "./watch-stops.ts";

/** What a run's worker needs. */
export interface RunWorkerDeps {
  readonly runs: RunStore;
  readonly registry: Registry;
  readonly ports: CommandPorts;
  readonly audit: AuditLog;
  readonly log: Logger;
  readonly enqueueRuns: Enqueue;
  readonly enqueueDeliveries: Enqueue;
  /** Who asked, as they are now. */
  readonly identify: (identity: string) => Promise<Person | null>;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** How often is looked whether a run at work is to be stopped, in milliseconds; by default every second. */
  readonly look_every_ms?: number;
}

/** A run at work: the row, its command, and what may stop it. */
interface Work {
  readonly run: ClaimedRun;
  /** Undefined: this release has no such command. */
  readonly command: Command | undefined;
  readonly watched: WatchedRun;
}

/** A run that took this many processes down with it is not given to another. */
const MAX_TAKEOVERS = 20;

/** An inline run whose process died is left to its request for this long, and ended as unknown when a worker meets it for the second time. */
const INLINE_PATIENCE_MS = 60_000;
const INLINE_LOOKS = 2;

/** So long a run is told to wait, by a provider or by our own budget, before that ends it like any other failure. */
const MAX_WAIT_MS = 3_600_000;

/** When a run is tried again, and whether this try counts against the command's attempts. */
interface Later {
  readonly delay_ms: number;
  readonly counted: boolean;
}

/** What its asker alone can mend. */
const ASKERS_FAULT: readonly ErrorCode[] = ["invalid_input", "protected_address", "forbidden", "not_found"];

/** A run that was claimed when it was stored, and who asked for it, looked up meanwhile. */
interface BegunRun {
  readonly run: ClaimedRun;
  readonly person: Promise<Person | null>;
}

/** Claims a run, unless it is claimed already, runs its command, and stores the end together with the answer. */
export type WorkOnRun = (run_id: string, begun?: BegunRun) => Promise<void>;

/** Makes what works on runs. */
export function createRunWorker(deps: RunWorkerDeps): WorkOnRun {
  const { look_every_ms: every_ms } = deps;
  const watch = createStopWatch({ ...deps, stopper: deps.runs, ...(every_ms !== undefined && { every_ms }) });
  return async (run_id, begun) => {
    try {
      const run = begun?.run ?? (await deps.runs.claim(run_id));
      const mine = begun ? { ...deps, identify: () => begun.person } : deps;
      if (run) await work(mine, run, watch);
    } finally {
      // Whatever went wrong, and though the claim itself may be stored without our knowing: the sweeper may open it again from now on.
      deps.runs.letGo(run_id);
    }
  };
}

async function work(deps: RunWorkerDeps, run: ClaimedRun, watch: StopWatch): Promise<void> {
  const command = deps.registry.find(run.command);
  const watched = watch(run);
  try {
    const mine = { run, command, watched };
    const end = await endOf(deps, mine).catch((thrown: unknown) => afterFailure(deps, mine, toOpsError(thrown)));
    if ("delay_ms" in end) await postpone(deps, run, end);
    else await finish(deps, run, { command, end });
  } finally {
    watched.end();
  }
}

async function endOf(deps: RunWorkerDeps, { run, command, watched }: Work): Promise<RunEnd> {
  // It was at work when it was cancelled, and came back here by a retry or a takeover.
  if (run.cancelled_by !== null) return endStopped(deps, { run, by: run.cancelled_by, effect: effectFor(command, run) });
  if (!command) throw new OpsError("unknown_command", `no command ${run.command} in this release`);
  if (command.execution.mode === "inline") throw new OpsError("outcome_unknown", "whoever began it died, and nobody asked for it again");
  const output = await attempt(deps, command, { run, signal: watched.signal });
  const reply = presentOutput(command, output);
  const by = watched.stoppedBy();
  return by === null ? { status: "succeeded", output, error: null, reply } : stoppedEnd(run, by, { output, reply });
}

/** What a run does to the world; of a command that is no more, the worst is taken to be so. */
function effectFor(command: Command | undefined, run: ClaimedRun): Effect {
  return command ? effectOf(command, run.input) : "write";
}

async function attempt(
  deps: RunWorkerDeps,
  command: Command,
  { run, signal }: { readonly run: ClaimedRun; readonly signal: AbortSignal },
): Promise<unknown> {
  if (run.takeovers > MAX_TAKEOVERS) throw new OpsError("outcome_unknown", `${run.takeovers} processes died while they worked on it`);
  const person = await deps.identify(run.identity);
  if (!person) throw new OpsError("forbidden", `${run.identity} is nobody any more`);
  // The role may have been withdrawn since the run was accepted.
  authorise(command, person);
  return execute(command, knownInput(command, run.input), {
    person,
    identity: run.identity,
    run_id: run.run_id,
    // A try that died with its process is not counted against the command's attempts, but the handler is to know that it was there.
    attempt: run.attempts + run.takeovers,
    last_attempt: run.attempts >= attemptsOf(command),
    signal,
    ports: deps.ports,
  });
}

function attemptsOf(command: Command | undefined): number {
  return command?.execution.mode === "queued" ? command.execution.attempts : 1;
}

/** What a failure means: the run's end, or how long until it is tried again, in milliseconds. */
function afterFailure(deps: RunWorkerDeps, { run, command, watched }: Work, error: OpsError): RunEnd | Later {
  if (deps.stopping.aborted) return { delay_ms: 0, counted: true };
  const by = watched.stoppedBy();
  if (by !== null) return saysNothingDone(error) ? cancelledEnd(run, by) : brokenOffEnd(run, by, effectFor(command, run));
  // An inline run belongs to its request: should that come again, it goes on with the run itself, and by the asker's rights as they are then.
  if (command?.execution.mode === "inline" && run.attempts < INLINE_LOOKS) return { delay_ms: INLINE_PATIENCE_MS, counted: true };
  const again = tryAgain(deps, { run, command }, error);
  if (again) {
    deps.log.debug({ run_id: run.run_id, code: error.code, attempt: run.attempts, ...again }, "a run is tried again");
    return again;
  }
  report(deps.log, run, error);
  // A write whose time ran out may have been done: nobody knows.
  const timedOut = error.code === "timeout" && command !== undefined && effectOf(command, run.input) !== "read";
  return error.code === "outcome_unknown" || timedOut ? { ...failed(error, run), status: "unknown" } : failed(error, run);
}

/** To be told to wait is no failure: whoever waits as long as they are told is not to run out of tries. */
function tryAgain({ ports }: RunWorkerDeps, { run, command }: Pick<Work, "run" | "command">, error: OpsError): Later | null {
  const delay_ms = backoff(Math.max(1, run.attempts), error);
  const waited_ms = ports.clock.now().getTime() - Date.parse(run.created_at);
  if (error.code === "rate_limited" && command?.execution.mode === "queued" && waited_ms < MAX_WAIT_MS) return { delay_ms, counted: false };
  return error.retryable && run.attempts < attemptsOf(command) ? { delay_ms, counted: true } : null;
}

/** A handler that was cancelled, and knows that nothing was done. */
function saysNothingDone({ code, cause }: OpsError): boolean {
  return code === "cancelled" && cause instanceof OpsError && cause.code === "cancelled";
}

/** Why a run ended badly, for the admin who is told to look here; what its asker did wrong is told to them alone. */
function report(log: Logger, { run_id, command }: ClaimedRun, error: OpsError): void {
  const { code, message } = error;
  if (code === "internal") log.error({ err: error, run_id }, "a run failed");
  else if (!ASKERS_FAULT.includes(code)) log.warn({ run_id, command, code, reason: message }, "a run ended badly");
}

async function postpone(deps: RunWorkerDeps, run: ClaimedRun, { delay_ms, counted }: Later): Promise<void> {
  const job = await persist(deps, () => deps.runs.postpone(run, delay_ms, counted));
  if (job) await deps.enqueueRuns([job]);
}

function failed(error: OpsError, run: ClaimedRun): RunEnd {
  const said = failedReply(error, run.run_id);
  const reply: Reply = { ...said, fields: [{ label: text("run.id"), value: { raw: run.run_id }, code: true }] };
  return { status: "failed", output: null, error: { code: error.code, text: said.title }, reply };
}

async function finish(
  deps: RunWorkerDeps,
  run: ClaimedRun,
  { command, end }: { command: Command | undefined; end: RunEnd },
): Promise<void> {
  const jobs = await persist(deps, () => deps.runs.finish(run, end)).catch((thrown: unknown) => {
    // What cannot be stored as it is (say, an output that JSON cannot hold) must not leave the run open for ever.
    deps.log.error({ err: thrown, run_id: run.run_id }, "the end of a run could not be stored");
    return persist(deps, () => deps.runs.finish(run, failed(toOpsError(thrown), run)));
  });
  if (jobs === null) {
    deps.log.warn({ run_id: run.run_id }, "the claim on a run was lost; whoever took it over ends it");
    return;
  }
  await deps.enqueueDeliveries(jobs);
  const { person_id, identity, request_id, run_id } = run;
  const input = command ? maskSecrets(command.input, run.input) : null;
  const entry = { person_id, identity, action: "run", command: run.command, input, outcome: end.status, request_id, run_id } as const;
  await persist(deps, () => deps.audit.append(entry));
}
