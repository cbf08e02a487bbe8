import { z } from "zod";
import { presentOutput } from "../../core/command.ts";
import { ERROR_CODES, OpsError } from "../../core/errors.ts";
import { type PlainReply, plain, text } from "../../core/reply.ts";
import type { Answer, Client } from "./client.ts";
import { EXIT, type Session } from "./deps.ts";
import { print, printReply, renderReply, say } from "./print.ts";
import { type Run, waitForRun } from "./wait.ts";

const Reply = z.looseObject({ tone: z.string(), title: z.string() }).transform((reply) => reply as unknown as PlainReply);

const Outcome = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("done"), output: z.unknown(), reply: Reply }),
  z.object({ outcome: z.literal("queued"), run_id: z.string() }),
  z.object({ outcome: z.literal("confirm"), token: z.string(), reply: Reply }),
  z.object({ outcome: z.literal("ask"), field: z.string(), reply: Reply }),
  z.object({ outcome: z.literal("suggest"), commands: z.array(z.string()), reply: Reply }),
]);

const Problem = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
});

/**
 * Prints what became of a call, waiting for a queued run and confirming where that was asked for.
 * @returns the exit code
 * @throws OpsError when the answer is none of a Switchboard, or the run was lost sight of
 */
export async function finish(session: Session, client: Client, answer: Answer): Promise<number> {
  const parsed = Outcome.safeParse(answer.body);
  if (!parsed.success) return failed(session, answer);
  const outcome = parsed.data;
  if (outcome.outcome === "confirm" && session.flags.yes) {
    const confirmed = await client.send("POST", `/api/v1/confirmations/${encodeURIComponent(outcome.token)}`);
    return finish({ ...session, flags: { ...session.flags, yes: false } }, client, confirmed);
  }
  if (outcome.outcome === "queued" && !session.flags.noWait) return ended(session, await waitForRun(session, client, outcome.run_id));
  if (session.flags.json) print(session.stdout, JSON.stringify(answer.body));
  else printOutcome(session, outcome);
  return EXIT_OF[outcome.outcome];
}

const EXIT_OF = { done: EXIT.done, queued: EXIT.done, confirm: EXIT.confirm, ask: EXIT.usage, suggest: EXIT.usage } as const;

/** What is done goes to the output; a question is for the person at the terminal. */
function printOutcome(session: Session, outcome: z.infer<typeof Outcome>): void {
  const { stdout, stderr } = session;
  if (outcome.outcome === "queued") print(stdout, outcome.run_id);
  else if (outcome.outcome === "done") printReply(session, outcome.reply);
  else print(stderr, renderReply(outcome.reply));
  if (outcome.outcome === "confirm") print(stderr, say(session, text("cli.confirm_hint")));
}

function failed({ flags, stdout, stderr }: Session, { status, body }: Answer): number {
  const problem = Problem.safeParse(body);
  if (!problem.success)
    throw new OpsError("upstream_refused", "neither outcome nor problem", { text: text("cli.strange_answer", { status }) });
  const { code, detail, errors } = problem.data;
  if (flags.json) print(stdout, JSON.stringify({ outcome: "failed", ...(body as object) }));
  else print(stderr, [detail, ...errors.map(({ message }) => message).filter((message) => message !== detail)].join("\n"));
  if (Object.hasOwn(ERROR_CODES, code)) return ERROR_CODES[code as keyof typeof ERROR_CODES].exit;
  return status === 401 || status === 403 ? EXIT.forbidden : EXIT.failed;
}

/** A run that has ended: its output as the command itself presents it, or why there is none. */
function ended(session: Session, run: Run): number {
  const { flags, stdout, stderr } = session;
  const succeeded = run.status === "succeeded";
  if (flags.json) print(stdout, JSON.stringify({ outcome: succeeded ? "done" : run.status, ...run }));
  else if (succeeded) printOutput(session, run);
  else print(stderr, `${run.error?.detail ?? say(session, text("cli.cancelled"))}\n${say(session, text("run.id"))}: ${run.run_id}`);
  return succeeded ? EXIT.done : EXIT.failed;
}

/** An output that this build does not know, of another release's server, is shown as it is. */
function printOutput(session: Session, run: Run): void {
  const { registry, texts, locale, zone, stdout } = session;
  const command = registry.find(run.command);
  const output = command?.output.safeParse(run.output);
  if (!command || !output?.success) print(stdout, JSON.stringify(run.output));
  else printReply(session, plain(presentOutput(command, output.data), texts, locale, zone));
}
