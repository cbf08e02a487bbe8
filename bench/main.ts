import { benchCommand } from "./command.ts";
import { benchStart } from "./start.ts";

const [name = "", ...only] = process.argv.slice(2);
const BENCHES: Readonly<Record<string, (only: readonly string[]) => Promise<object>>> = { command: benchCommand, start: benchStart };

const bench = BENCHES[name];
if (bench) console.log(JSON.stringify(await bench(only)));
else {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join("|")}`);
  process.exitCode = 2;
}
