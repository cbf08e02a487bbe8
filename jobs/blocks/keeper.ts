import type { EdgeCall } from "../../core/edge.ts";
import { toOpsError } from "../../core/errors.ts";
import { type Block, isRuleOf, type LedgerKeeping, type Reconciler } from "../../core/ledger.ts";
import { type LiftPorts, liftBlocks } from "../../core/lift.ts";
import type { Lease, Leases, Logger } from "../../core/ports.ts";
import type { AuditEntry, AuditLog } from "../../core/stores.ts";
import { backoff } from "../backoff.ts";
import { pause } from "../pause.ts";

/** What the keeper needs. */
export interface KeeperDeps extends Omit<LiftPorts, "ledger"> {
  readonly ledger: LedgerKeeping;
  readonly reconciler: Reconciler;
  readonly leases: Leases;
  readonly audit: AuditLog;
  readonly log: Logger;
}

/** A keeper at work. */
export interface Keeper {
  stop(): Promise<void>;
}

const ROUND_MS = 1_000;
const LEASE_PAUSE_MS = 1_000;
/** Blocks dealt with in one round. */
const LIMIT = 100;
/** How often all rules are compared with the ledger by itself; in milliseconds. */
const RECONCILE_MS = 300_000;
const LEASE = "block keeper";

/**
 * Keeps the ledger's word: lifts blocks whose time is over, also those that came due while nothing ran; goes on lifting what could not be lifted;
 * settles wishes whose run died; compares the provider's rules with the ledger now and then. One process does it at a time, by a lease.
 */
export function startKeeper(deps: KeeperDeps): Keeper {
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      const lease = await deps.leases.lease(LEASE).catch(() => null);
      if (lease) await keep(deps, lease, stopping.signal);
      await pause(LEASE_PAUSE_MS, stopping.signal);
    }
  };
  const done = loop();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function keep(deps: KeeperDeps, lease: Lease, stopping: AbortSignal): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([stopping, over.signal]);
  // Reading all rules may take minutes; what is due does not wait for that.
  const comparing = compare(deps, signal);
  const state = { failures: 0 };
  while (lease.held() && !signal.aborted) {
    await liftAll(deps, state, signal);
    await pause(state.failures > 0 ? backoff(state.failures) : ROUND_MS, signal);
  }
  over.abort();
  await comparing;
  await lease.release();
}

async function liftAll(deps: KeeperDeps, state: { failures: number }, signal: AbortSignal): Promise<void> {
  try {
    let due = LIMIT;
    while (due === LIMIT && !signal.aborted) due = await keepRound(deps, signal);
    state.failures = 0;
  } catch (thrown) {
    state.failures += 1;
    if (state.failures === 1 && !signal.aborted) deps.log.warn({ err: thrown }, "the blocks cannot be kept; trying on");
  }
}

/** Compares the rules with the ledger now and then, until it is told to stop. Never rejects. */
async function compare({ reconciler, log }: KeeperDeps, signal: AbortSignal): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    const thrown = await reconciler.refresh(RECONCILE_MS, signal).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (thrown && !failing && !signal.aborted) log.warn({ err: thrown.error }, "the rules cannot be compared with the ledger; trying on");
    failing = thrown !== null;
    await pause(RECONCILE_MS, signal);
  }
}

/** One round: everything that is due. @returns how many blocks that were */
export async function keepRound(deps: Omit<KeeperDeps, "leases" | "reconciler">, signal: AbortSignal): Promise<number> {
  const due = await deps.ledger.due(LIMIT);
  const call: EdgeCall = { lane: "background", signal };
  const wished = due.filter(({ state }) => state === "pending");
  if (wished.length > 0) await settle(deps, wished, call);
  const lifting = due.filter(({ state }) => state === "releasing");
  if (lifting.length > 0) await lift(deps, lifting, call);
  return due.length;
}

async function lift(
  { edge, ledger, audit, log }: Omit<KeeperDeps, "leases" | "reconciler">,
  blocks: readonly Block[],
  call: EdgeCall,
): Promise<void> {
  const record = async (gone: readonly Block[]) => void (await Promise.all(gone.map((block) => audit.append(lineOf(block)))));
  const { left, refused, errors } = await liftBlocks(blocks, { edge, ledger, record }, call);
  for (const block of left) {
    const { network, scope, tries, block_id } = block;
    const told = { network, scope, reason: errors.get(block_id)?.message ?? "the rule is still there" };
    if (refused.includes(block)) log.warn(told, "a rule of others could not be removed, which was refused; it is left to them");
    else if (tries === 0) log.warn(told, "a block could not be lifted yet; trying on");
  }
}

/** A wish whose run has ended without confirming it: the rule was made, or it was not. */
async function settle(
  { edge, ledger, log }: Pick<KeeperDeps, "edge" | "ledger" | "log">,
  blocks: readonly Block[],
  call: EdgeCall,
): Promise<void> {
  const standing = await edge.lookUp([...new Set(blocks.map(({ network }) => network))], call).catch(toOpsError);
  if (standing instanceof Error) {
    log.debug({ err: standing }, "it could not be looked up what came of wished blocks; trying on");
    return;
  }
  for (const block of blocks) {
    const rules = standing.get(block.network) ?? [];
    const rule = rules.find((each) => isRuleOf(each, block));
    if (rule) await ledger.confirm(block, rule);
    else await ledger.withdraw([block]);
  }
}

function lineOf({ network, scope, released_by, release_run, run_id, block_id }: Block): AuditEntry {
  return {
    ...{ person_id: null, identity: released_by ?? "", command: null, input: { network, scope }, outcome: "succeeded" },
    ...{ action: "lift", request_id: `block-${block_id}`, run_id: release_run ?? run_id },
  };
}
