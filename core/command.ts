import type { z } from "zod";
import type { PerLocale } from "./locale.ts";
import type { CommandPorts } from "./ports.ts";
import { type Reply, type Text, text } from "./reply.ts";
import type { Person, Role } from "./request.ts";

/** What a command does to the world: nothing, something, or something that is asked for twice. */
export type Effect = "read" | "write" | "dangerous";

/** The effect, where it depends on the input. (Written as a method so that a command of one input is a command.) */
type EffectOf<Input> = { of(input: Input): Effect }["of"];

/** How a command runs: at once in the asker's request, or by a worker, with its time limit and how often it is tried. */
export type Execution =
  | { readonly mode: "inline"; readonly timeout_ms: number }
  | { readonly mode: "queued"; readonly timeout_ms: number; readonly attempts: number };

/** What a handler is given besides its input. */
export interface CommandContext {
  readonly person: Person;
  readonly identity: string;
  /** The run this is, the idempotency key of every outside effect. For an inline read it is the request's id. */
  readonly run_id: string;
  /** 1 on the first try. A handler must be safe to run again for the same run. */
  readonly attempt: number;
  /** Whether no further try follows: the time to say `outcome_unknown` instead of `upstream_unavailable`. */
  readonly last_attempt: boolean;
  /**
   * Aborted when the process shuts down, or `timeout_ms` has nearly passed, or somebody cancels the run: what is given at once is still taken.
   * Whoever is cancelled and knows that nothing was done throws an `OpsError` `cancelled`; else what changes something ends as `unknown`.
   */
  readonly signal: AbortSignal;
  readonly ports: CommandPorts;
}

/** One command: what it is called, what it takes and gives, who may run it, how it runs. Everything else is derived from this. */
export interface Command<In extends z.ZodObject = z.ZodObject, Out extends z.ZodType = z.ZodType> {
  /** Words in lower case, e.g. "cf block"; the slug is the same with underscores. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: PerLocale<string>;
  /** How people ask for it in their own words. */
  readonly phrases: PerLocale<readonly string[]>;
  /** Lines that work as they stand; each one is parsed when the registry is built. */
  readonly examples: PerLocale<readonly string[]>;
  readonly input: In;
  readonly output: Out;
  /** Fields that may be given without a flag, in order. An array field must be last and takes all that is left. */
  readonly positional: readonly (keyof z.infer<In> & string)[];
  readonly role: Exclude<Role, "ingest">;
  readonly effect: Effect | EffectOf<z.infer<In>>;
  readonly execution: Execution;
  /** Refuses an input before anything is stored, by throwing an `OpsError`. */
  check?(input: z.infer<In>, ports: CommandPorts): void | Promise<void>;
  /** What a dangerous call would hit: sentences below the question whether it is meant. It may only look. */
  preview?(input: z.infer<In>, ports: CommandPorts): Promise<readonly Text[]>;
  handle(input: z.infer<In>, context: CommandContext): Promise<z.infer<Out>>;
  present(output: z.infer<Out>): Reply;
  /** The line that takes it back, without a leading slash; undefined where nothing was changed. */
  undo?(output: z.infer<Out>): string | undefined;
  /**
   * The call that is carried out in this one's place. The handler of such a command only looks, whatever its effect; dispatch goes on with
   * what it found, by every policy, as if that had been asked for.
   */
  next?(output: z.infer<Out>): NextCall;
}

/** A call that a command leads to. */
export interface NextCall {
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Identity at run time; at compile time it ties handler, presenter and positionals to the schemas. */
export function defineCommand<In extends z.ZodObject, Out extends z.ZodType>(command: Command<In, Out>): Command<In, Out> {
  return command;
}

/** The name of a command for Telegram's menu, REST paths and the CLI: "cf block" -> "cf_block". */
export function slugOf(command: Pick<Command, "name">): string {
  return command.name.replaceAll(" ", "_");
}

/** What a command does to the world for this input. */
export function effectOf(command: Command, input: Record<string, unknown>): Effect {
  return typeof command.effect === "function" ? command.effect(input) : command.effect;
}

/** The answer to an output, with the line that takes it back. */
export function presentOutput(command: Command, output: unknown): Reply {
  const undo = command.undo?.(output);
  return undo === undefined ? command.present(output) : { ...command.present(output), undo: { label: text("reply.undo"), line: undo } };
}
