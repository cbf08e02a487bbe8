import { z } from "zod";
import type { CommandContext } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { includesRole } from "../../core/request.ts";
import type { RunView } from "../../core/run.ts";

/** A run's id, as people type it. */
export const runId = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-z]{12}$/, { error: "text:run.bad_id" });

type Asker = Pick<CommandContext, "ports" | "person">;

/** A run that the asker may see: their own, and from operator on anybody's. Null also for one of somebody else: that it is there is not told. */
export async function findVisible(run_id: string, { ports, person }: Asker): Promise<RunView | null> {
  const run = await ports.runs.get(run_id);
  return run && (run.person_id === person.person_id || includesRole(person.role, "operator")) ? run : null;
}

/** As `findVisible`. @throws OpsError `not_found` */
export async function visibleRun(run_id: string, asker: Asker): Promise<RunView> {
  const run = await findVisible(run_id, asker);
  if (run) return run;
  const { person } = asker;
  throw new OpsError("not_found", `no run ${run_id} for ${person.person_id}`, { text: text("run.not_found", { run_id }) });
}
