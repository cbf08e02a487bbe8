import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import { addresses } from "../fields.ts";
import { eachAddress, presentResults, type Result, results } from "./results.ts";

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
  execution: { mode: "queued", timeout_ms: 60_000, attempts: 8 },
  handle: async ({ ip }, context) => ({ results: await eachAddress(ip, context, (address) => releaseOne(address, context)) }),
  present: ({ results: done }) => presentResults(done, "cf.release"),
  undo({ results: done }) {
    const lifted = done.filter(({ status }) => status === "released").map(({ ip }) => ip);
    return lifted.length > 0 ? `cf_block ${lifted.join(" ")}` : undefined;
  },
});

async function releaseOne(
  ip: string,
  { ports, signal, attempt }: CommandContext,
): Promise<Result<"released" | "not_blocked" | "unverified">> {
  const rules = await ports.edge.find(ip, signal);
  for (const rule of rules) await ports.edge.release(rule.rule_id, signal);
  const rule_ids = rules.map(({ rule_id }) => rule_id);
  // A later try that finds nothing has most likely lifted it before: the person asked for exactly that.
  if (rules.length === 0) return { ip, status: attempt > 1 ? "released" : "not_blocked", rule_ids, expires_at: null };
  const left = await ports.edge.find(ip, signal);
  return { ip, status: left.length === 0 ? "released" : "unverified", rule_ids, expires_at: null };
}
