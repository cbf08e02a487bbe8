#!/usr/bin/env node
import { setTimeout as sleep } from "node:timers/promises";

const [name, ...rest] = process.argv.slice(2);

if (name === "serve") {
  const { serve } = await import("./serve.ts");
  await serve(process.env);
} else if (name === "keys") {
  const { keys } = await import("./keys.ts");
  process.exitCode = await keys(rest, process.env);
} else {
  const [{ runCli }, { loadRegistry }] = await Promise.all([import("./cli/run-cli.ts"), import("./app/desk.ts")]);
  const { registry, texts } = loadRegistry();
  const zone = process.env["TZ_DEFAULT"] || "UTC";
  const { stdout, stderr, env } = process;
  process.exitCode = await runCli(process.argv.slice(2), { env, stdout, stderr, fetch, registry, texts, zone, sleep });
}
