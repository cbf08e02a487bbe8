import { z } from "zod";
import { isCancelled } from "../../core/cancelled.ts";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import type { EdgeCall } from "../../core/edge.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";
import type { Block } from "../../core/ledger.ts";
import { prefixOf } from "../../core/networks.ts";
import { type Text, text } from "../../core/reply.ts";
import { repairCharacters } from "../../core/text/characters.ts";
import { parseDuration } from "../../core/text/duration.ts";
import { duration, networks } from "../fields.ts";
import { eachAddress, endsAll, isOpen, LIST_TIMEOUT_MS } from "./each-address.ts";
import { addressCount, blocksOf, laneOf, piecesOf, placesOf, refuseBlocking } from "./places.ts";
import { givenUp, presentResults, type Result, results } from "./results.ts";

const REASON_CHARS = 200;
/** A wider CIDR than these hits so many that it is asked for twice. */
const WIDE = { ipv4: 24, ipv6: 48 };

/** Blocks networks at the edge, in every scope. What is wished for is in the ledger before a rule is made; a rule that is there is adopted. */
export const cfBlock = defineCommand({
  name: "cf block",
  aliases: ["block", "ban"],
  summary: {
    en: "Block IP addresses and ranges at Cloudflare",
    ko: "Cloudflare에서 IP 주소와 대역 차단",
    ru: "Заблокировать IP-адреса и сети в Cloudflare",
  },
  phrases: {
    en: ["block an ip address", "ban this address", "stop traffic from"],
    ko: ["아이피 차단해 줘", "이 주소 막아 줘"],
    ru: ["заблокируй адрес", "забань этот ip"],
  },
  examples: {
    en: ["cf_block 203.0.113.7", 'cf_block 203.0.113.7 2001:db8::7 --for 2h --reason "brute force"'],
    ko: ['cf_block 203.0.113.7 --for 2h --reason "무차별 대입"'],
    ru: ['cf_block 203.0.113.7 --for 2h --reason "перебор паролей"'],
  },
  input: z.object({
    ip: networks.describe("1 to 100 IPv4 or IPv6 addresses, or ranges such as 203.0.113.0/24"),
    for: duration.optional().describe("How long, such as 30m, 2h, 7d or PT2H; without it until it is released"),
    reason: z.string().max(REASON_CHARS).optional().describe("Why, written into the rule's notes"),
  }),
  output: results(["blocked", "already_blocked", "failed", "unverified"]),
  positional: ["ip"],
  role: "operator",
  effect: ({ ip }) => (ip.some(isWide) ? "dangerous" : "write"),
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 8 },
  check: ({ ip }, ports) => refuseBlocking(ip, ports),
  async preview({ ip }, { edge, ledger }) {
    const wide = ip.filter(isWide);
    const lines = await Promise.all(
      wide.map(async (network) => {
        const rules = piecesOf([network]).length * edge.scopes.length;
        return text("cf.block.preview", { ip: network, addresses: addressCount(network), rules, ...(await ledger.within(network)) });
      }),
    );
    return lines;
  },
  async handle(input, context) {
    const { ip } = input;
    // One in which nothing can be seen is none.
    const reason = input.reason !== undefined && repairCharacters(input.reason) !== "" ? input.reason : null;
    const { run_id, identity, person, ports } = context;
    const for_ms = input.for === undefined ? null : parseDuration(input.for);
    // As the provider gives it back: the rule is known by it.
    const mark = `Switchboard ${run_id} by ${identity}${reason === null ? "" : `: ${reason}`}`.trim();
    const places = placesOf(ip, ports);
    const blocks = await ports.ledger.intend({ places, run_id, identity, person_id: person.person_id, reason, mark, for_ms });
    const made = new Map<string, string[]>(ip.map((network) => [network, []]));
    const carryOut = (network: string) =>
      blockOne(network, { blocks, rule_ids: made.get(network) ?? [], context, lane: laneOf(ip, ports) });
    const giveUp = (network: string, error: OpsError) => givenUp(network, error, made.get(network));
    return { results: await eachAddress<BlockResult>(ip, context, { carryOut, giveUp, allOpen }) };
  },
  present: ({ results: done }) => ({ ...presentResults(done, "cf.block"), ...adviceOn(done) }),
  undo({ results: done }) {
    // What failed in one zone stands in the others.
    const isMade = ({ status, rule_ids }: (typeof done)[number]) => status === "blocked" || (status === "failed" && rule_ids.length > 0);
    const fresh = done.filter(isMade).map(({ ip }) => ip);
    return fresh.length > 0 ? `cf_release ${fresh.join(" ")}` : undefined;
  },
});

/** What nobody knows the end of is looked after by the keeper. */
function allOpen(ips: readonly string[]): Text {
  const [ip = ""] = ips;
  return ips.length > 1 ? text("cf.block.all_unverified", { count: ips.length }) : text("cf.block.unverified", { ip });
}

/** That a rule of others has no end. */
function adviceOn(done: readonly BlockResult[]) {
  const adopted = done.filter((result) => result.adopted).map(({ ip }) => ip);
  return adopted.length > 0 ? { lines: [text("cf.block.adopted", { ip: adopted.join(" ") })] } : {};
}

type BlockResult = Result<"blocked" | "already_blocked" | "failed" | "unverified">;

function isWide(network: string): boolean {
  return prefixOf(network) < (network.includes(":") ? WIDE.ipv6 : WIDE.ipv4);
}

interface Wanted {
  readonly blocks: readonly Block[];
  /** Filled while it goes on, so that what was made is told also where something failed. */
  readonly rule_ids: string[];
  readonly context: CommandContext;
  readonly lane: ReturnType<typeof laneOf>;
}

/**
 * All rules of what was asked for, in every scope, also where one of them fails. It is `blocked` where at least one was made by this run.
 * @throws OpsError as the first that failed; where others stand it says so
 */
async function blockOne(network: string, { blocks, rule_ids, context, lane }: Wanted): Promise<BlockResult> {
  let fresh = false;
  const done: Block[] = [];
  const failure = await inEach(blocksOf(network, blocks), context, async (block) => {
    const { block: ensured, made } = await ensure(block, context, lane);
    fresh ||= made;
    done.push(ensured);
    if (ensured.rule_id !== null) rule_ids.push(ensured.rule_id);
  });
  if (failure) throw done.length > 0 ? inPart(network, done, failure) : failure;
  const ends = done.map(({ expires_at }) => expires_at);
  const expires_at = ends.includes(null) ? null : (ends.toSorted().at(-1) ?? null);
  const adopted = done.some((block) => block.adopted);
  return { ip: network, status: fresh ? "blocked" : "already_blocked", rule_ids, expires_at, ...(adopted && { adopted }) };
}

/** Does it for every block, until another try is to do what is left. @returns the first failure */
async function inEach(
  blocks: readonly Block[],
  { signal, last_attempt }: CommandContext,
  work: (block: Block) => Promise<void>,
): Promise<OpsError | undefined> {
  let first: OpsError | undefined;
  for (const block of blocks) {
    const error = await work(block).then(() => undefined, toOpsError);
    first ??= error;
    if (error && (signal.aborted || endsAll(error, last_attempt))) break;
  }
  return first;
}

/** It is blocked in some places and in others not. */
function inPart(network: string, done: readonly Block[], failure: OpsError): OpsError {
  const { code, message, text: reason, retry_after_ms } = failure;
  const places = [...new Set(done.map(({ scope }) => scope))].join(" ");
  return new OpsError(code, `in part: ${message}`, {
    text: text("cf.block.in_part", { ip: network, places, reason, command: `/cf_release ${network}` }),
    cause: failure,
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  });
}

/** Makes sure that the rule of one block is there. */
async function ensure(block: Block, context: CommandContext, lane: Wanted["lane"]): Promise<{ block: Block; made: boolean }> {
  const { edge, ledger } = context.ports;
  const call = { lane, signal: context.signal };
  const { scope, rule_id } = block;
  if (isOver(block) || (block.run_id === context.run_id && block.state === "blocked")) return doneBefore(block, context, call);
  if (block.state === "blocked" && rule_id !== null && (await edge.get({ scope, rule_id }, call))?.mode === "block")
    return { block, made: false };
  try {
    const { rule, created } = await makeRule(block, context, call);
    const confirmed = await ledger.confirm(block, rule);
    if (confirmed) return { block: confirmed, made: created && !isOthersWish(block, context) };
    // Somebody released it while the rule was made: theirs is the later wish.
    if (created) await edge.release(rule, call);
    throw releasedMeanwhile(block);
  } catch (thrown) {
    const error = toOpsError(thrown);
    if (isForgotten(error, context)) await ledger.withdraw([block]);
    throw error;
  }
}

/** A rule that may have been made is looked for by the keeper; one that was not made is forgotten when nobody tries on. */
function isForgotten(error: OpsError, { last_attempt, signal }: CommandContext): boolean {
  const isLast = !error.retryable || last_attempt || isCancelled(signal);
  return isLast && !isOpen(error);
}

/** Of several runs that wish the same at once, the rule is the one's whose wish stands, whichever of them comes to make it. */
const isOthersWish = ({ state, run_id }: Block, context: CommandContext) => state === "pending" && run_id !== context.run_id;

const isOver = ({ state }: Block) => state === "releasing" || state === "released";

/**
 * What an earlier try of this run has made is done, also when somebody has lifted it since; what it only wished for, or extended, was released
 * meanwhile.
 */
async function doneBefore(block: Block, context: CommandContext, call: EdgeCall): Promise<{ block: Block; made: boolean }> {
  if (block.run_id !== context.run_id) throw releasedMeanwhile(block);
  if (block.blocked_at !== null) return { block, made: !block.adopted };
  await removeOwn(block, context, call);
  throw releasedMeanwhile(block);
}

/** How the notes of our rules begin: the run, and who asked. */
const OURS = /^Switchboard [0-9a-z]{12} by /;

/**
 * Makes the rule, or adopts one of somebody else. One of an older wish of ours is made anew: whoever still lifts that wish does so by its id,
 * and must not hit this one.
 */
async function makeRule({ scope, network, mark: notes }: Block, { ports: { edge } }: CommandContext, call: EdgeCall) {
  const first = await edge.block({ scope, network, notes }, call);
  if (first.created || !OURS.test(first.rule.notes)) return first;
  await edge.release(first.rule, call);
  return edge.block({ scope, network, notes }, call);
}

async function removeOwn({ scope, network, mark }: Block, { ports: { edge } }: CommandContext, call: EdgeCall): Promise<void> {
  const rules = (await edge.lookUp([network], call)).get(network) ?? [];
  for (const rule of rules) if (rule.scope === scope && rule.notes === mark) await edge.release(rule, call);
}

function releasedMeanwhile({ network }: Block): OpsError {
  return new OpsError("conflict", `${network} was released meanwhile`, { text: text("cf.released_meanwhile", { ip: network }) });
}
