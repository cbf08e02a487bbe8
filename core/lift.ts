import { atOnce, NETWORKS_AT_ONCE } from "./at-once.ts";
import type { Edge, EdgeCall, EdgeRule } from "./edge.ts";
import { OpsError, toOpsError } from "./errors.ts";
import type { Block, Ledger } from "./ledger.ts";

/** How soon the keeper tries again what could not be lifted; doubled with each try up to five minutes. In milliseconds. */
const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 300_000;

/** What lifting needs of the world. */
export interface LiftPorts {
  readonly edge: Edge;
  readonly ledger: Pick<Ledger, "released" | "keepTrying" | "withdraw">;
  /** Told of what was read back as gone before the ledger is: what dies in between tells it again, and never forgets to. */
  readonly record?: (gone: readonly Block[]) => Promise<void>;
}

/** What became of the blocks that were to be lifted. */
export interface Lifted {
  /** Read back as gone, and released in the ledger. */
  readonly gone: readonly Block[];
  /** Still there, or nobody could look: the keeper goes on with them, except for those that were refused. */
  readonly left: readonly Block[];
  /** Of those that are left: rules of others whose removal was refused. The ledger has forgotten them. */
  readonly refused: readonly Block[];
  /** Why, where a call failed; by block. */
  readonly errors: ReadonlyMap<string, OpsError>;
  /** Why it could not be read back; null where it was. */
  readonly unread: OpsError | null;
  /** What the provider holds for the networks now; null where it could not be asked. */
  readonly standing: ReadonlyMap<string, readonly EdgeRule[]> | null;
}

/**
 * Removes the rules of blocks by their ids, in every scope, and reads back what is left: only what is seen to be gone is released. A rule of
 * others whose removal is refused is forgotten, whichever try that comes to: it is theirs, and is not to vanish on the day the refusal does.
 * @param networks what else is to be looked up by the same reading
 */
export async function liftBlocks(
  blocks: readonly Block[],
  { edge, ...ports }: LiftPorts,
  { networks = [], ...call }: EdgeCall & { readonly networks?: readonly string[] },
): Promise<Lifted> {
  const errors = new Map<string, OpsError>();
  const remove = async (block: Block, rule_id: string) => {
    await edge
      .release({ scope: block.scope, rule_id }, call)
      .catch((thrown: unknown) => void errors.set(block.block_id, toOpsError(thrown)));
  };
  await atOnce(blocks, NETWORKS_AT_ONCE, async (block) => {
    if (block.rule_id !== null && !call.signal.aborted) await remove(block, block.rule_id);
  });
  const wanted = [...new Set([...blocks.map(({ network }) => network), ...networks])];
  let standing = await lookUp(edge, wanted, call);
  // A rule whose making was never confirmed is known by its notes alone.
  const unnamed = blocks.flatMap((block) =>
    oursIn(standing, block)
      .filter(({ rule_id }) => rule_id !== block.rule_id)
      .map((rule) => ({ block, rule })),
  );
  if (unnamed.length > 0) {
    await atOnce(unnamed, NETWORKS_AT_ONCE, ({ block, rule }) => remove(block, rule.rule_id));
    standing = await lookUp(edge, wanted, call);
  }
  const isGone = (block: Block) => !(standing instanceof Error) && oursIn(standing, block).length === 0;
  const gone = blocks.filter(isGone);
  const left = blocks.filter((block) => !isGone(block));
  const refused = left.filter((block) => isTheirs(block) && isRefusal(errors.get(block.block_id)));
  if (standing instanceof Error) for (const block of blocks) if (!errors.has(block.block_id)) errors.set(block.block_id, unread(standing));
  await writeDown({ gone, left, refused, errors }, ports);
  // What is gone is gone, whatever its removal answered.
  for (const { block_id } of gone) errors.delete(block_id);
  const read = standing instanceof Error ? { standing: null, unread: standing } : { standing, unread: null };
  return { gone, left, refused, errors, ...read };
}

async function writeDown(
  { gone, left, refused, errors }: Pick<Lifted, "gone" | "left" | "refused" | "errors">,
  { ledger, record = async () => undefined }: Omit<LiftPorts, "edge">,
): Promise<void> {
  if (gone.length > 0) await record(gone);
  if (gone.length > 0) await ledger.released(gone);
  if (refused.length > 0) await ledger.withdraw(refused);
  const retries = left
    .filter((block) => !refused.includes(block))
    .map((block) => ({ ...block, delay_ms: retryAfter(block, errors.get(block.block_id)) }));
  if (retries.length > 0) await ledger.keepTrying(retries);
}

/** Whether the rule is somebody else's, which the ledger took in only to remove it (see `Ledger.adopt`), whoever lifts it by now. */
function isTheirs({ adopted, mark, run_id }: Block): boolean {
  return adopted && mark === `release ${run_id}`;
}

/** Whether trying again is in vain, and nothing was done. */
export function isRefusal(error: OpsError | undefined): boolean {
  return error !== undefined && !error.retryable && error.code !== "outcome_unknown";
}

/** The removal was answered, and what came of it could not be read back. */
function unread(error: OpsError): OpsError {
  const { code, message, retry_after_ms } = error;
  if (code === "internal") return error;
  return new OpsError("outcome_unknown", `not read back: ${message}`, {
    cause: error,
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  });
}

type Standing = ReadonlyMap<string, readonly EdgeRule[]>;

async function lookUp(edge: Edge, networks: readonly string[], call: EdgeCall): Promise<Standing | OpsError> {
  if (networks.length === 0) return new Map();
  return edge.lookUp(networks, call).catch(toOpsError);
}

/** The rules that are this block's: by the id that the ledger knows, or by the notes that no other run writes. */
function oursIn(standing: Standing | OpsError, { scope, network, rule_id, mark }: Block): readonly EdgeRule[] {
  if (standing instanceof Error) return [];
  const rules = standing.get(network) ?? [];
  return rules.filter((rule) => rule.scope === scope && rule.network === network && (rule.rule_id === rule_id || rule.notes === mark));
}

function retryAfter({ tries }: Block, error: OpsError | undefined): number {
  return Math.max(error?.retry_after_ms ?? 0, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 6)));
}
