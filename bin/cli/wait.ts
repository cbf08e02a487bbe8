import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import type { Client } from "./client.ts";
import type { Session } from "./deps.ts";
import { say } from "./print.ts";

const FIRST_POLL_MS = 100;
const SLOWEST_POLL_MS = 1_000;
const SLOWER_BY = 1.5;
/** How often it is said, where there is no terminal, that the run is not done yet. */
const NOTICE_MS = 10_000;
/** How many times in a row the server may not answer; a restart takes less. */
const MAX_MISSES = 10;

const Run = z.looseObject({
  run_id: z.string(),
  command: z.string(),
  status: z.enum(RUN_STATUSES),
  attempts: z.number(),
  output: z.unknown(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
});

/** A run as the server shows it. */
export type Run = z.infer<typeof Run>;

/**
 * Asks for a run until it has ended, ever slower, from 100 ms to 1 s. On a terminal it shows that it waits.
 * @throws OpsError `unavailable` when the server is gone for long; the run itself goes on
 */
export async function waitForRun(session: Session, client: Client, run_id: string): Promise<Run> {
  const { stderr } = session;
  let pause = FIRST_POLL_MS;
  let waited = 0;
  let misses = 0;
  try {
    for (;;) {
      await session.sleep(pause);
      waited += pause;
      const run = await look(client, run_id);
      if (run && run.status !== "accepted" && run.status !== "running") return run;
      misses = run ? 0 : misses + 1;
      if (misses === MAX_MISSES) throw new OpsError("unavailable", "lost sight of the run", { text: text("cli.lost", { run_id }) });
      tell(session, run_id, { before: waited - pause, now: waited });
      pause = Math.min(pause * SLOWER_BY, SLOWEST_POLL_MS);
    }
  } finally {
    if (stderr.isTTY) stderr.write("\r\u001b[2K");
  }
}

/** On a terminal one line that counts the seconds; elsewhere a line now and then, for a log. */
function tell(session: Session, run_id: string, waited: { readonly before: number; readonly now: number }): void {
  const words = say(session, text("cli.waiting", { run_id, seconds: Math.round(waited.now / 1_000) }));
  if (session.stderr.isTTY) session.stderr.write(`\r\u001b[2K${words}`);
  else if (Math.floor(waited.now / NOTICE_MS) > Math.floor(waited.before / NOTICE_MS)) session.stderr.write(`${words}\n`);
}

/** The run as it stands; null when the server has no answer just now. */
async function look(client: Client, run_id: string): Promise<Run | null> {
  const answer = await client.send("GET", `/api/v1/runs/${encodeURIComponent(run_id)}`).catch(() => null);
  if (answer === null || answer.status === 429 || answer.status >= 500) return null;
  const run = Run.safeParse(answer.body);
  if (answer.status === 200 && run.success) return run.data;
  throw new OpsError("not_found", "the run cannot be read", { text: text("cli.lost", { run_id }) });
}
