import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import { toOpsError } from "../../core/errors.ts";
import type { BlockRule } from "../../core/ports.ts";
import { addresses } from "../fields.ts";
import { eachAddress, LIST_TIMEOUT_MS, rulesOf, unknownBecause } from "./each-address.ts";
import { givenUp, presentResults, type Result, results } from "./results.ts";

/** Lifts the blocks of addresses: every rule that blocks exactly this address is deleted, and it is read back that none is left. */
export const cfRelease = defineCommand({
  name: "cf release",
  aliases: ["release", "unblock"],
  summary: { en: "Release blocked IP addresses", ko: "차단된 IP 주소 해제", ru: "Снять блокировку IP-адресов" },
  phrases: {
    en: ["unblock an ip address", "lift the block of"],
    ko: ["아이피 차단 풀어 줘", "차단 해제해 줘"],
    ru: ["разблокируй адрес", "сними блокировку"],
  },
  examples: { en: ["cf_release 203.0.113.7"], ko: ["cf_release 203.0.113.7"], ru: ["cf_release 2001:db8::7"] },
  input: z.object({ ip: addresses.describe("1 to 100 IPv4 or IPv6 addresses") }),
  output: results(["released", "not_blocked", "failed", "unverified"]),
  positional: ["ip"],
  role: "operator",
  effect: "write",
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 8 },
  async handle({ ip }, context) {
    const carryOut = (address: string) => releaseOne(address, context);
    return { results: await eachAddress<ReleaseResult>(ip, context, { carryOut, giveUp: givenUp }) };
  },
  present: ({ results: done }) => presentResults(done, "cf.release"),
  undo({ results: done }) {
    const lifted = done.filter(({ status, rule_ids }) => status === "released" && rule_ids.length > 0).map(({ ip }) => ip);
    return lifted.length > 0 ? `cf_block ${lifted.join(" ")}` : undefined;
  },
});

type ReleaseResult = Result<"released" | "not_blocked" | "failed" | "unverified">;

/** Only what this try deleted is called released. Where a try before it did, all that is known is that the address is not blocked. */
async function releaseOne(ip: string, context: CommandContext): Promise<ReleaseResult> {
  const { edge } = context.ports;
  const rules = await rulesOf(ip, context);
  for (const rule of rules) await edge.release(rule.rule_id, context.signal);
  if (rules.length === 0) return { ip, status: "not_blocked", rule_ids: [], expires_at: null };
  const left = await edge.find(ip, context.signal).catch((thrown: unknown) => {
    throw unknownBecause(toOpsError(thrown));
  });
  const rule_ids = rules.map(({ rule_id }) => rule_id);
  return { ip, status: left.length === 0 ? "released" : "unverified", rule_ids, expires_at: null, ...foreignNotes(rules) };
}

/** What others wrote into their rules, so that whoever lifts one sees whose it was. */
function foreignNotes(rules: readonly BlockRule[]): { readonly notes?: string } {
  const notes = rules.map((rule) => rule.notes).filter((words) => words !== "" && !words.startsWith("Switchboard"));
  return notes.length > 0 ? { notes: notes.join("; ") } : {};
}
