import { z } from "zod";
import { parseAddress, parseNetwork } from "../core/addresses.ts";
import { parseIdentity } from "../core/identity.ts";
import { parseDuration } from "../core/text/duration.ts";

/** What a field that is no address says. */
const NOT_AN_ADDRESS = "text:cf.not_an_address";

/**
 * One IPv4 or IPv6 address or range in any form people paste, made canonical. In JSON Schema it is a string (its input side). What looks like
 * a URL is only ever an address: its path (`http://203.0.113.7/24`) is no range.
 */
export const network = z
  .string({ error: NOT_AN_ADDRESS })
  .meta({ description: "IPv4 or IPv6 address or CIDR", examples: ["203.0.113.7", "203.0.113.0/24", "2001:db8::1"] })
  .transform((typed, context) => {
    const found = parseAddress(typed) ?? (/:\/\/|\[:/.test(typed) ? null : parseNetwork(typed.trim().replace(/[.,;]{1,3}$/, "")));
    if (found !== null) return found;
    context.addIssue({ code: "custom", message: NOT_AN_ADDRESS });
    return z.NEVER;
  });

/** How many addresses one command takes (contract, `cf_block`). */
const MAX_ADDRESSES = 100;
/** How many it reads: a list from a log names many of them several times. */
const MAX_READ = 10_000;

/** One network or a list of them, always read as a list in which each is there once, of which there are 100 at most. */
export const networks = z
  .union([network, z.array(network).min(1).max(MAX_READ).meta({ maxItems: MAX_ADDRESSES })])
  .transform((given, context) => {
    const each = typeof given === "string" ? [given] : [...new Set(given)];
    if (each.length > MAX_ADDRESSES)
      context.addIssue({ code: "too_big", origin: "array", maximum: MAX_ADDRESSES, inclusive: true, input: given });
    return each;
  });

/** Shorter than the keeper's rounds, and longer than anybody means. */
const MIN_DURATION_MS = 1_000;
const MAX_DURATION_MS = 10 * 366 * 86_400_000;

/** How long something lasts, as it was written: `30m`, `2h`, `7d`, ISO 8601. */
export const duration = z.string({ error: "text:field.duration" }).refine((typed) => {
  const ms = parseDuration(typed) ?? 0;
  return ms >= MIN_DURATION_MS && ms <= MAX_DURATION_MS;
}, "text:field.duration");

/** A person as a platform knows them: `telegram:1002`, `webex:kim@example.com`, `slack:U012AB3CD`; always in its one spelling. */
export const identity = z
  .string({ error: "text:field.identity" })
  .overwrite((typed) => parseIdentity(typed) ?? typed)
  .refine((typed) => parseIdentity(typed) !== null, "text:field.identity");

/** A command by its name or slug, made its slug. That there is one of that name is not asked: an older release may have had it. */
export const commandName = z
  .string()
  .trim()
  .toLowerCase()
  .overwrite((typed) => typed.replace(/^\//, "").replaceAll(/[ -]/g, "_"))
  .regex(/^[a-z][a-z0-9_]{0,31}$/, { error: "text:field.command" });

/** Who is known to the desk: a person as `identity` has them, an API key (`key:ci`), or the sandbox's own admin (`local`). */
export const who = z
  .string({ error: "text:field.who" })
  .overwrite((typed) => parseIdentity(typed) ?? typed.trim())
  .refine((typed) => parseIdentity(typed) !== null || /^(key:[\w.-]{1,64}|local)$/.test(typed), "text:field.who");
