import { type Command, slugOf } from "../command.ts";
import { OpsError } from "../errors.ts";
import { text } from "../reply.ts";
import { includesRole, type Person } from "../request.ts";

/**
 * Deny by default: a person without a role, or with a lesser one than the command names, may not run it.
 * Asked before an argument is looked at, so that whoever may not learns nothing else.
 * @throws OpsError `forbidden`
 */
export function authorise(command: Command, person: Person): void {
  if (includesRole(person.role, command.role)) return;
  const slug = slugOf(command);
  throw new OpsError("forbidden", `${person.person_id} may not run ${slug}`, { text: text("policy.forbidden", { command: slug }) });
}
