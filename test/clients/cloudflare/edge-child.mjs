// Works with the built edge in a process of its own and prints what came of it as JSON.
// Usage: node --expose-gc edge-child.mjs EDGE_JS '{"token", "base_url", "scopes", "wanted"}'
import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [path, settings] = process.argv.slice(2);
const { wanted, ...cloudflare } = JSON.parse(settings);
const note = (word) => writeSync(2, `${word}\n`);
const megabytes = () => {
  globalThis.gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

let base;
let most = 0;
// Asked before each call: then all that is kept of the pages before is there.
const reserve = async () => {
  if (base !== undefined) most = Math.max(most, megabytes());
  return 0;
};
const { createCloudflareEdge } = await import(pathToFileURL(path).href);
const edge = createCloudflareEdge({ ...cloudflare, reserve });
note("made");
const call = { lane: "interactive", signal: new AbortController().signal };
const scope = edge.scopes[0];
await edge.get({ scope, rule_id: "0".repeat(32) }, call);
note("called");

base = megabytes();
const found = [...(await edge.lookUp(wanted, call)).values()].filter((rules) => rules.length > 0).length;
let listed = 0;
for await (const page of edge.list(scope, call)) listed += page.length;
process.stdout.write(`${JSON.stringify({ found, listed, grown_mb: Math.max(most, megabytes()) - base })}\n`);
