import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import type { BlockRule } from "../../core/ports.ts";
import { addresses } from "../fields.ts";
import { eachAddress, LIST_TIMEOUT_MS, rulesOf } from "./each-address.ts";
import { refuseProtected } from "./protect.ts";
import { givenUp, presentResults, type Result, results } from "./results.ts";

const REASON_CHARS = 200;

/** Blocks addresses at the edge. One rule an address: a rule that is there is adopted. */
export const cfBlock = defineCommand({
  name: "cf block",
  aliases: ["block", "ban"],
  summary: { en: "Block IP addresses at Cloudflare", ko: "Cloudflare에서 IP 주소 차단", ru: "Заблокировать IP-адреса в Cloudflare" },
  phrases: {
    en: ["block an ip address", "ban this address", "stop traffic from"],
    ko: ["아이피 차단해 줘", "이 주소 막아 줘"],
    ru: ["заблокируй адрес", "забань этот ip"],
  },
  examples: {
    en: ["cf_block 203.0.113.7", 'cf_block 203.0.113.7 2001:db8::7 --reason "brute force"'],
    ko: ['cf_block 203.0.113.7 --reason "무차별 대입"'],
    ru: ['cf_block 203.0.113.7 --reason "перебор паролей"'],
  },
  input: z.object({
    ip: addresses.describe("1 to 100 IPv4 or IPv6 addresses"),
    reason: z.string().max(REASON_CHARS).optional().describe("Why, written into the rule's notes"),
  }),
  output: results(["blocked", "already_blocked", "failed", "unverified"]),
  positional: ["ip"],
  role: "operator",
  effect: "write",
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 8 },
  check: ({ ip }, ports) => refuseProtected(ip, ports),
  async handle({ ip, reason }, context) {
    const notes = noteFor(context, reason);
    const carryOut = (address: string) => blockOne(address, notes, context);
    return { results: await eachAddress<BlockResult>(ip, context, { carryOut, giveUp: givenUp }) };
  },
  present: ({ results: done }) => presentResults(done, "cf.block"),
  undo({ results: done }) {
    const fresh = done.filter(({ status }) => status === "blocked").map(({ ip }) => ip);
    return fresh.length > 0 ? `cf_release ${fresh.join(" ")}` : undefined;
  },
});

type BlockResult = Result<"blocked" | "already_blocked" | "failed" | "unverified">;

/** The rule's notes name the run, so that a rule made by an earlier try of this run is known as its own. */
function noteFor({ run_id, identity }: CommandContext, reason: string | undefined): string {
  return `${markOf(run_id)}by ${identity}${reason ? `: ${reason}` : ""}`;
}

const markOf = (run_id: string) => `Switchboard ${run_id} `;

/** A later try looks first: most of a long list is done by then. */
async function blockOne(ip: string, notes: string, context: CommandContext): Promise<BlockResult> {
  const isOurs = (rule: BlockRule) => rule.notes.startsWith(markOf(context.run_id));
  const there = context.attempt > 1 ? await rulesOf(ip, context) : [];
  const known = there.find(isOurs) ?? there[0];
  const { rule, created } = known ? { rule: known, created: false } : await context.ports.edge.block(ip, notes, context.signal);
  return { ip, status: created || isOurs(rule) ? "blocked" : "already_blocked", rule_ids: [rule.rule_id], expires_at: null };
}
