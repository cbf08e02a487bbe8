import { z } from "zod";
import { parseAddress } from "../core/addresses.ts";
import { parseIdentity } from "../core/identity.ts";

/** What a field that is no address says. */
const NOT_AN_ADDRESS = "text:cf.not_an_address";

/** One IPv4 or IPv6 address in any form people paste, made canonical. In JSON Schema it is a string (its input side). */
export const ipAddress = z
  .string({ error: NOT_AN_ADDRESS })
  .meta({ description: "IPv4 or IPv6 address", examples: ["203.0.113.7", "2001:db8::1"] })
  .transform((typed, context) => {
    const address = parseAddress(typed);
    if (address !== null) return address;
    context.addIssue({ code: "custom", message: NOT_AN_ADDRESS });
    return z.NEVER;
  });

/** How many addresses one command takes (contract, `cf_block`). */
const MAX_ADDRESSES = 100;

/** One address or a list of them, always read as a list in which each address is there once. */
export const addresses = z
  .union([ipAddress, z.array(ipAddress).min(1).max(MAX_ADDRESSES)])
  .transform((given) => (typeof given === "string" ? [given] : [...new Set(given)]));

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
