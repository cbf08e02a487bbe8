import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import type { EdgeCall, EdgeRule } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Block } from "../../core/ledger.ts";
import { type Lifted, liftBlocks } from "../../core/lift.ts";
import { text } from "../../core/reply.ts";
import { networks } from "../fields.ts";
import { endsAll, LIST_TIMEOUT_MS, toRetry } from "./each-address.ts";
import { blocksOf, laneOf, piecesOf, refuseImpossible } from "./places.ts";
import { givenUp, presentResults, type Result, results } from "./results.ts";
import { containing, exactly, notesOf } from "./rules.ts";

/**
 * Lifts blocks: the rules that the ledger knows are removed by their ids, in every scope, and it is read back that they are gone. A rule that
 * the ledger does not know is somebody else's: it is shown, and removed only where that is asked for.
 */
export const cfRelease = defineCommand({
  name: "cf release",
  aliases: ["release", "unblock"],
  summary: { en: "Release blocked IP addresses and ranges", ko: "차단된 IP 주소와 대역 해제", ru: "Снять блокировку IP-адресов и сетей" },
  phrases: {
    en: ["unblock an ip address", "lift the block of"],
    ko: ["아이피 차단 풀어 줘", "차단 해제해 줘"],
    ru: ["разблокируй адрес", "сними блокировку"],
  },
  examples: {
    en: ["cf_release 203.0.113.7", "cf_release 203.0.113.0/24 --foreign"],
    ko: ["cf_release 203.0.113.7"],
    ru: ["cf_release 2001:db8::7"],
  },
  input: z.object({
    ip: networks.describe("1 to 100 IPv4 or IPv6 addresses, or ranges as they were blocked"),
    foreign: z.boolean().optional().describe("Also rules that others made, which the ledger does not know"),
  }),
  output: results(["released", "not_blocked", "foreign", "covered", "failed", "unverified"]),
  positional: ["ip"],
  role: "operator",
  effect: "write",
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 8 },
  check: ({ ip }, ports) => refuseImpossible(ip, ports),
  async handle({ ip, foreign = false }, context) {
    const { run_id, identity, ports, signal } = context;
    const call: EdgeCall = { lane: laneOf(ip, ports), signal };
    const pieces = piecesOf(ip);
    const blocks = await ports.ledger.startRelease(pieces, { run_id, identity });
    const active = blocks.filter(({ state }) => state === "releasing");
    const lifted = await liftBlocks(active, ports, { ...call, networks: pieces });
    againOrOn([...lifted.errors.values(), ...(lifted.unread ? [lifted.unread] : [])], context);
    const before = lifted.standing ?? new Map();
    const others = foreign ? await removeForeign(ip, before, { context, call }) : new Map<string, readonly EdgeRule[]>();
    const standing = others.size > 0 ? await ports.edge.lookUp(pieces, call) : lifted.standing;
    const view = { blocks, lifted, standing, others };
    const done = ip.map((network) => resultOf(network, view));
    const first = [...lifted.errors.values()][0] ?? lifted.unread;
    if (first && done.every(({ error }) => error !== undefined)) throw first;
    return { results: done };
  },
  present: ({ results: done }) => ({ ...presentResults(done, "cf.release"), ...adviceOn(done) }),
  undo({ results: done }) {
    const lifted = done.filter(({ status, rule_ids }) => status === "released" && rule_ids.length > 0).map(({ ip }) => ip);
    return lifted.length > 0 ? `cf_block ${lifted.join(" ")}` : undefined;
  },
});

type ReleaseStatus = "released" | "not_blocked" | "foreign" | "covered" | "failed" | "unverified";

/** What may pass ends the try as long as another one follows; the blocks stay to be lifted. */
function againOrOn(errors: Iterable<OpsError>, { last_attempt, signal }: CommandContext): void {
  for (const error of errors) if (!signal.aborted && endsAll(error, last_attempt)) throw toRetry(error);
}

/** Removes the rules of others. @returns those that were there, by the network that was asked for */
async function removeForeign(
  ip: readonly string[],
  standing: ReadonlyMap<string, readonly EdgeRule[]>,
  { context, call }: { readonly context: CommandContext; readonly call: EdgeCall },
): Promise<ReadonlyMap<string, readonly EdgeRule[]>> {
  const found = ip.map((network) => [network, exactly(network, standing)] as const).filter(([, rules]) => rules.length > 0);
  for (const rule of found.flatMap(([, rules]) => rules)) await context.ports.edge.release(rule, call);
  return new Map(found);
}

interface View {
  readonly blocks: readonly Block[];
  readonly lifted: Lifted;
  readonly standing: ReadonlyMap<string, readonly EdgeRule[]> | null;
  readonly others: ReadonlyMap<string, readonly EdgeRule[]>;
}

function resultOf(network: string, { blocks, lifted, standing, others }: View): Result<ReleaseStatus> {
  const ours = blocksOf(network, blocks);
  const theirs = others.get(network) ?? [];
  const rule_ids = [...ours.flatMap(({ rule_id }) => rule_id ?? []), ...theirs.map((rule) => rule.rule_id)];
  const result = { ip: network, rule_ids, expires_at: null };
  const left = ours.filter((block) => lifted.left.includes(block));
  const [error] = left.flatMap(({ block_id }) => lifted.errors.get(block_id) ?? []);
  if (error) return givenUp(network, error, rule_ids);
  if (standing === null) return givenUp(network, lifted.unread ?? new OpsError("outcome_unknown", "not read back"), rule_ids);
  if (left.length > 0) return { ...result, status: "unverified" };
  const standingHere = exactly(network, standing);
  if (standingHere.length > 0 && theirs.length > 0) return { ...result, status: "unverified" };
  if (standingHere.length > 0) {
    return { ...result, rule_ids: standingHere.map((rule) => rule.rule_id), status: "foreign", ...notesOf(standingHere) };
  }
  if (ours.length > 0 || theirs.length > 0) return { ...result, status: "released", ...notesOf(theirs) };
  const [range] = containing(network, standing);
  return range === undefined ? { ...result, status: "not_blocked" } : { ...result, status: "covered", notes: range.network };
}

/** What to do about rules of others, and about ranges. */
function adviceOn(done: readonly Result<ReleaseStatus>[]) {
  const foreign = done.filter(({ status }) => status === "foreign").map(({ ip }) => ip);
  const ranges = [...new Set(done.filter(({ status }) => status === "covered").map(({ notes }) => notes ?? ""))];
  const lines = [
    ...(foreign.length > 0 ? [text("cf.release.how_foreign", { command: `/cf_release ${foreign.join(" ")} --foreign` })] : []),
    ...(ranges.length > 0 ? [text("cf.release.how_covered", { command: `/cf_release ${ranges.join(" ")}` })] : []),
    ...(done.some(({ status }) => status === "unverified") ? [text("cf.release.goes_on")] : []),
  ];
  return lines.length > 0 ? { lines } : {};
}
