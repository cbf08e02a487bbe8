import type { EdgeLane } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Block, Place } from "../../core/ledger.ts";
import { MAX_PIECES, rulePieces, sizeOf } from "../../core/networks.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import { refuseProtected } from "./protect.ts";

/** Rules that one command may make or lift: most of what the account may ask for in 5 minutes. */
const MAX_PLACES = 1_000;
/** More rules than this in a scope are a list: its calls leave a part of the budget to those who wait for one address. */
const FEW = 5;

/** The networks that rules are made for, each once, in the order in which they were asked for. */
export function piecesOf(networks: readonly string[]): readonly string[] {
  return [...new Set(networks.flatMap((network) => rulePieces(network) ?? []))];
}

/** Every network and scope that a rule is to be made in, each once. */
export function placesOf(networks: readonly string[], { edge }: Pick<CommandPorts, "edge">): readonly Place[] {
  const places = new Map<string, Place>();
  for (const asked of networks) {
    for (const network of rulePieces(asked) ?? []) {
      for (const scope of edge.scopes) if (!places.has(`${scope} ${network}`)) places.set(`${scope} ${network}`, { scope, network, asked });
    }
  }
  return [...places.values()];
}

/** The blocks that are of what was asked for. */
export function blocksOf(network: string, blocks: readonly Block[]): readonly Block[] {
  const pieces = new Set(rulePieces(network) ?? []);
  return blocks.filter((block) => pieces.has(block.network));
}

/** Whose work a command on these networks is. */
export function laneOf(networks: readonly string[], { edge }: Pick<CommandPorts, "edge">): EdgeLane {
  return piecesOf(networks).length > FEW * Math.max(1, edge.scopes.length) ? "bulk" : "interactive";
}

/**
 * Refuses what cannot be dealt with, before anything is stored: an edge that is not set up, a CIDR that would take too many rules, a list of them
 * that would.
 * @throws OpsError `upstream_refused` or `invalid_input`
 */
export function refuseImpossible(networks: readonly string[], ports: Pick<CommandPorts, "edge">): void {
  if (ports.edge.scopes.length === 0) throw new OpsError("upstream_refused", "Cloudflare is not set up", { text: text("cf.off") });
  const wide = networks.find((network) => rulePieces(network) === null);
  if (wide !== undefined) throw tooLarge("cf.too_wide", { ip: wide, limit: MAX_PIECES });
  const count = piecesOf(networks).length * ports.edge.scopes.length;
  if (count > MAX_PLACES) throw tooLarge("cf.too_many_rules", { count, limit: MAX_PLACES });
}

function tooLarge(key: string, params: Record<string, string | number>): OpsError {
  const message = text(key, params);
  return new OpsError("invalid_input", `${key}: ${JSON.stringify(params)}`, { text: message, issues: [{ path: "ip", message }] });
}

/** What may be blocked, or else why not. @throws OpsError `protected_address` or as `refuseImpossible` */
export function refuseBlocking(networks: readonly string[], ports: Pick<CommandPorts, "edge" | "protectedBy">): void {
  refuseProtected(networks, ports);
  refuseImpossible(networks, ports);
}

/** How many addresses a network holds, in a form that every language reads: 256, 65536, 2^80. */
export function addressCount(network: string): string {
  const size = sizeOf(network);
  return size <= 1n << 32n ? String(size) : `2^${size.toString(2).length - 1}`;
}
