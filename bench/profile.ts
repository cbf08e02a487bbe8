import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { until } from "../proof/process.ts";

/** A CPU profile as node writes it (`--cpu-prof`). */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Options of node that make it write a profile into a folder when it ends. */
export const profiling = (folder: string): readonly string[] => ["--cpu-prof", `--cpu-prof-dir=${folder}`];

const SHOWN = 16;

/** Where the main thread spent its time, in per cent of the time in which it was not idle: by package, by our folders, and by what node and V8 call theirs. */
export async function readProfile(folder: string): Promise<Readonly<Record<string, number>>> {
  const name = await until("the profile is written", async () => (await readdir(folder)).find((file) => file.endsWith(".cpuprofile")));
  const { nodes, samples, timeDeltas } = await until(
    "the profile is whole",
    async () => JSON.parse(await readFile(path.join(folder, name), "utf8")) as Profile,
  );
  const ownerOf = new Map(nodes.map(({ id, callFrame }) => [id, owner(callFrame.url, callFrame.functionName)]));
  const times = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const name_of = ownerOf.get(id) ?? "?";
    if (name_of !== "(idle)") times.set(name_of, (times.get(name_of) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  const shares = [...times].toSorted(([, a], [, b]) => b - a).map(([of, time]) => [of, Number(((100 * time) / busy).toFixed(1))] as const);
  return Object.fromEntries(shares.slice(0, SHOWN));
}

function owner(url: string, functionName: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  if (url.startsWith("node:")) return url.split("/")[0] ?? url;
  const ours = /\/dist\/([a-z]+)\//.exec(url)?.[1];
  return ours === undefined ? functionName : `our ${ours}/`;
}
