// Starts the embedded PostgreSQL on the folder it is given and tells what happens, one JSON object a line.
// Plain JavaScript on the built code: it is killed, run as another user and from a closed folder, where no transpiler is at hand.
// Usage: node embedded-child.mjs EMBEDDED_JS DATA_DIR
import { pathToFileURL } from "node:url";

const [embedded, dataDir] = process.argv.slice(2);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const note = (level) => (fields, message) => say({ event: "log", level, message, detail: String(fields?.err ?? fields?.failure ?? "") });
const log = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };

const begin = performance.now();
try {
  const { startEmbedded } = await import(pathToFileURL(embedded).href);
  const server = await startEmbedded({ data_dir: dataDir, log });
  say({ event: "ready", took_ms: Math.round(performance.now() - begin), connection: server.connection });
  process.stdin.once("data", async () => {
    const stop = performance.now();
    await server.stop();
    say({ event: "stopped", took_ms: Math.round(performance.now() - stop) });
    process.exit(0);
  });
} catch (error) {
  say({ event: "refused", took_ms: Math.round(performance.now() - begin), code: error.code, message: error.message });
  process.exit(1);
}
