import { z } from "zod";
import { networks } from "../../../commands/fields.ts";
import { OpsError } from "../../../core/errors.ts";
import type { Text } from "../../../core/reply.ts";
import { bind } from "../../../core/text/bind.ts";
import { parseInput } from "../../../core/text/issues.ts";
import { normalise } from "../../../core/text/normalise.ts";
import { tokenise } from "../../../core/text/tokenise.ts";

/** A command as far as a line is concerned. */
export interface Sample {
  readonly name: string;
  readonly input: z.ZodObject;
  readonly positional: readonly string[];
}

/** One of each kind of command: a list, words, a chat's id and a message, a secret. */
export const block: Sample = {
  name: "cf block",
  input: z.object({
    ip: networks,
    for: z
      .string()
      .regex(/^\d+[mhd]$/)
      .meta({ placeholder: "2h" })
      .optional(),
    reason: z.string().max(200).optional(),
    dry_run: z.boolean().default(false),
  }),
  positional: ["ip"],
};

export const send: Sample = {
  name: "telegram send",
  input: z.object({ chat_id: z.int(), text: z.string().min(1), silent: z.boolean().optional() }),
  positional: ["chat_id", "text"],
};

export const grant: Sample = {
  name: "grant",
  input: z.object({ identity: z.string(), role: z.enum(["viewer", "operator", "admin"]) }),
  positional: ["identity", "role"],
};

export const smtp: Sample = {
  name: "smtp set",
  input: z.object({ url: z.url(), password: z.string().min(4).meta({ secret: true }).optional() }),
  positional: ["url"],
};

/** What a chat line's arguments become, up to the checked input. */
export function say(command: Sample, line: string): Record<string, unknown> {
  return parseInput(command, bind(command, tokenise(normalise(line))).input);
}

/** The error that something throws; anything else than an `OpsError` fails the test. */
export function refusal(work: () => unknown): OpsError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof OpsError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

/** The key of the sentence for the person. */
export function keyOf(message: Text): string {
  return "key" in message ? message.key : "";
}
