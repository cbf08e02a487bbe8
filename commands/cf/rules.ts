import type { EdgeRule } from "../../core/edge.ts";
import { contains, rulePieces } from "../../core/networks.ts";

/** What the provider holds for each network that was looked up. */
export type Standing = ReadonlyMap<string, readonly EdgeRule[]>;

const isBlock = ({ mode }: EdgeRule) => mode === "block";

/** The rules that block exactly what was asked for, or a piece of it. */
export function exactly(network: string, standing: Standing): readonly EdgeRule[] {
  const pieces = rulePieces(network) ?? [];
  return pieces.flatMap((piece) => (standing.get(piece) ?? []).filter((rule) => isBlock(rule) && rule.network === piece));
}

/** The rules that block a wider range in which all of it lies, the narrowest first. */
export function containing(network: string, standing: Standing): readonly EdgeRule[] {
  const [piece = network] = rulePieces(network) ?? [];
  const wider = (standing.get(piece) ?? []).filter((rule) => isBlock(rule) && rule.network !== piece && contains(rule.network, network));
  return wider.toSorted((a, b) => Number(b.network.split("/")[1]) - Number(a.network.split("/")[1]));
}

/** What others wrote into their rules, so that whoever sees or lifts one knows whose it was. */
export function notesOf(rules: readonly Pick<EdgeRule, "notes">[]): { readonly notes?: string } {
  const notes = [...new Set(rules.map((rule) => rule.notes).filter((words) => words !== ""))];
  return notes.length > 0 ? { notes: notes.join("; ") } : {};
}
