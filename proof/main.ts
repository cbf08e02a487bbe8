import { proveAllBlocks } from "./blocks.ts";
import { proveAllEvents } from "./events/all.ts";
import { proveAllMalformed } from "./malformed.ts";

/** The proofs by name; each takes the parts that are wanted, none for all of them, and says whether it holds. */
const PROOFS: Readonly<Record<string, { readonly parts: readonly string[]; prove(only: readonly string[]): Promise<boolean> }>> = {
  main: { parts: ["embedded", "redis", "scaled", "large"], prove: proveAllBlocks },
  events: { parts: ["embedded", "redis", "scaled"], prove: proveAllEvents },
  malformed: { parts: [], prove: proveAllMalformed },
};

const [name = "", ...only] = process.argv.slice(2);
const proof = PROOFS[name];
if (proof && only.every((part) => proof.parts.includes(part))) process.exitCode = (await proof.prove(only)) ? 0 : 1;
else {
  for (const [known, { parts }] of Object.entries(PROOFS)) console.error(`usage: npm run proof -- ${known} [${parts.join("|")} ...]`);
  process.exitCode = 2;
}
