import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import type { EdgeCall, EdgeRule } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import { type Block, isRuleOf, type Releaser } from "../../core/ledger.ts";
import { isRefusal, type Lifted, liftBlocks } from "../../core/lift.ts";
import { text } from "../../core/reply.ts";
import { networks } from "../fields.ts";
import { endsAll, LIST_TIMEOUT_MS, toRetry } from "./each-address.ts";
import { blocksOf, laneOf, piecesOf, refuseImpossible } from "./places.ts";
import { presentResults, type Result, results } from "./results.ts";
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
    const { run_id, ports, signal } = context;
    const call = { lane: laneOf(ip, ports), signal, networks: piecesOf(ip) };
    const blocks = await ports.ledger.startRelease(call.networks, releaser(context));
    const active = blocks.filter(({ state }) => state === "releasing");
    const lifted = await liftBlocks(active, ports, call);
    againOrOn(lifted, context);
    const ours = { blocks, lifted, elsewhere: await wishedElsewhere(ip, lifted, context) };
    const view = foreign ? await releaseForeign(ip, ours, { context, call }) : ours;
    await leaveRefused(view.lifted, context);
    const done = ip.map((network) => resultOf(network, view, run_id));
    const first = [...view.lifted.errors.values()][0] ?? view.lifted.unread ?? meanwhile(done);
    if (first && done.every(({ status }) => status === "failed")) throw first;
    return { results: done };
  },
  present: ({ results: done }) => ({ ...presentResults(done, "cf.release"), ...adviceOn(done) }),
  undo({ results: done }) {
    const lifted = done.filter(({ status, rule_ids }) => status === "released" && rule_ids.length > 0).map(({ ip }) => ip);
    return lifted.length > 0 ? `cf_block ${lifted.join(" ")}` : undefined;
  },
});

type ReleaseStatus = "released" | "not_blocked" | "foreign" | "covered" | "failed" | "unverified";

const releaser = ({ run_id, identity, person }: CommandContext): Releaser => ({ run_id, identity, person_id: person.person_id });

/** What may pass ends the try as long as another one follows; the blocks stay to be lifted. */
function againOrOn({ errors, unread }: Lifted, { last_attempt, signal }: CommandContext): void {
  const all = [...errors.values(), ...(unread ? [unread] : [])];
  for (const error of all) if (!signal.aborted && endsAll(error, last_attempt)) throw toRetry(error);
}

/** The blocks that are lifted by this run, and what became of them. */
interface View {
  readonly blocks: readonly Block[];
  readonly lifted: Lifted;
  /** What the ledger knows of networks that Cloudflare still holds a rule of: somebody else of ours blocked or lifted them meanwhile. */
  readonly elsewhere: readonly Block[];
}

/** A rule that is there although this run did not find it in the ledger may be one that was wished for meanwhile: that is nobody's but ours. */
async function wishedElsewhere(ip: readonly string[], { standing }: Lifted, { ports }: CommandContext): Promise<readonly Block[]> {
  const held = [...new Set(ip.flatMap((network) => exactly(network, standing ?? new Map()).map((rule) => rule.network)))];
  return held.length > 0 ? ports.ledger.find(held) : [];
}

/** Rules of others: those that are no block's of the ledger. */
function othersOf(network: string, { lifted: { standing }, elsewhere }: View): readonly EdgeRule[] {
  return exactly(network, standing ?? new Map()).filter((rule) => !elsewhere.some((block) => isRuleOf(rule, block)));
}

/** What is refused for good stays blocked, as whoever asked is told: it must not vanish on the day the refusal does. */
async function leaveRefused({ left, refused, errors }: Lifted, { ports }: CommandContext): Promise<void> {
  const stays = left.filter((block) => !refused.includes(block) && isRefusal(errors.get(block.block_id)));
  if (stays.length > 0) await ports.ledger.leave(stays);
}

/** Why nothing was released where somebody has blocked it meanwhile. */
function meanwhile(done: readonly Result<ReleaseStatus>[]): OpsError | undefined {
  const [first] = done.filter(({ error }) => error === "conflict");
  return first && new OpsError("conflict", `${first.ip} was blocked meanwhile`, { text: text("cf.blocked_meanwhile", { ip: first.ip }) });
}

interface Releasing {
  readonly context: CommandContext;
  readonly call: EdgeCall & { readonly networks: readonly string[] };
}

/**
 * Removes the rules of others as well. They are in the ledger before, so another try knows what this one did, and the keeper goes on. What was
 * refused to this try already is not asked for a second time.
 */
async function releaseForeign(ip: readonly string[], ours: View, { context, call }: Releasing): Promise<View> {
  const { ports } = context;
  const isRefused = ({ scope, rule_id }: EdgeRule) =>
    ours.lifted.refused.some((block) => block.scope === scope && block.rule_id === rule_id);
  const others = [...new Set(ip.flatMap((network) => othersOf(network, ours)))].filter((rule) => !isRefused(rule));
  const theirs = await ports.ledger.adopt(others, releaser(context));
  if (theirs.length === 0) return ours;
  const lifted = await liftBlocks(theirs, ports, call);
  againOrOn(lifted, context);
  const errors = new Map([...ours.lifted.errors, ...lifted.errors]);
  const left = [...ours.lifted.left, ...lifted.left];
  const refused = [...ours.lifted.refused, ...lifted.refused];
  const merged = { ...lifted, errors, left, refused, standing: lifted.standing ?? ours.lifted.standing };
  return { ...ours, blocks: [...ours.blocks, ...theirs], lifted: merged };
}

function resultOf(network: string, view: View, run_id: string): Result<ReleaseStatus> {
  const { left, errors, standing, unread } = view.lifted;
  const ours = blocksOf(network, view.blocks);
  const rule_ids = ours.flatMap(({ rule_id }) => rule_id ?? []);
  const result = { ip: network, rule_ids, expires_at: null };
  const leftHere = ours.filter((block) => left.includes(block));
  const found = leftHere.flatMap(({ block_id }) => errors.get(block_id) ?? []);
  const refusal = found.find(isRefusal);
  if (refusal) return { ...result, status: "failed", error: refusal.code };
  // The keeper goes on with these.
  if (leftHere.length > 0) return { ...result, status: "unverified", ...(found[0] && { error: found[0].code }) };
  // Nothing was to be lifted, and it could not be looked up whether there is something.
  if (standing === null) return { ...result, status: "failed", error: unread?.code ?? "upstream_unavailable" };
  const others = othersOf(network, view);
  if (others.length > 0) return { ...result, rule_ids: others.map((rule) => rule.rule_id), status: "foreign", ...notesOf(others) };
  const [range] = containing(network, standing);
  // Those of others are in the ledger since this run, with what stood in them.
  const theirs = ours.filter((block) => block.run_id === run_id).map(({ reason }) => ({ notes: reason ?? "" }));
  if (ours.length > 0) return { ...result, status: "released", ...notesOf(theirs), ...(range && { covered_by: range.network }) };
  if (blocksOf(network, view.elsewhere).some(({ state }) => state === "pending" || state === "blocked"))
    return { ...result, status: "failed", error: "conflict" };
  return range === undefined ? { ...result, status: "not_blocked" } : { ...result, status: "covered", notes: range.network };
}

/** What to do about rules of others, and about ranges. */
function adviceOn(done: readonly Result<ReleaseStatus>[]) {
  const foreign = done.filter(({ status }) => status === "foreign").map(({ ip }) => ip);
  const still = done.filter(({ covered_by }) => covered_by !== undefined);
  const covered = done.filter(({ status }) => status === "covered").map(({ notes = "" }) => notes);
  const ranges = [...new Set([...covered, ...still.map(({ covered_by = "" }) => covered_by)])];
  const lines = [
    ...still.map(({ ip, covered_by = "" }) => text("cf.release.still_covered", { ip, range: covered_by })),
    ...(foreign.length > 0 ? [text("cf.release.how_foreign", { command: `/cf_release ${foreign.join(" ")} --foreign` })] : []),
    ...(ranges.length > 0 ? [text("cf.release.how_covered", { command: `/cf_release ${ranges.join(" ")}` })] : []),
    ...(done.some(({ status }) => status === "unverified") ? [text("cf.release.goes_on")] : []),
  ];
  return lines.length > 0 ? { lines } : {};
}
