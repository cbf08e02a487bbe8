import type { Command } from "../command.ts";
import type { Person, Request } from "../request.ts";

/** A command with its validated input, on its way to being run. */
export interface Call {
  readonly request: Request;
  readonly person: Person;
  readonly command: Command;
  readonly input: Readonly<Record<string, unknown>>;
  /** Whether the person has confirmed it already. */
  readonly confirmed: boolean;
  /** What the run's id is made from: the request's id, or the confirmation's token. */
  readonly seed: string;
}
