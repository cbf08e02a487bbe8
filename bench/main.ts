import { serveBare } from "./bare.ts";
import { benchCommand } from "./command.ts";
import { benchIngest } from "./ingest.ts";
import { servePlain } from "./plain.ts";
import { benchStart } from "./start.ts";

const [name = "", ...only] = process.argv.slice(2);
const BENCHES: Readonly<Record<string, (only: readonly string[]) => Promise<object>>> = {
  command: benchCommand,
  ingest: benchIngest,
  start: benchStart,
};

const bench = BENCHES[name];
// A child of the benches themselves.
if (name === "plain") servePlain(only[0] ?? "");
else if (name === "bare") await serveBare();
else if (bench) console.log(JSON.stringify(await bench(only)));
else {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join("|")}`);
  process.exitCode = 2;
}
