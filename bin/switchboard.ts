#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [name, ...rest] = process.argv.slice(2);

if (name === "serve") {
  const { serve } = await import("./serve.ts");
  await serve(process.env);
} else if (name === "keys") {
  const { keys } = await import("./keys.ts");
  process.exitCode = await keys(rest, process.env);
} else {
  const [{ runCli }, { loadRegistry }] = await Promise.all([import("./cli/run-cli.ts"), import("./app/registry.ts")]);
  const { registry, texts } = loadRegistry();
  const zone = process.env["TZ_DEFAULT"] || "UTC";
  const { stdout, stderr, env } = process;
  const readFile = (path: string) => readFileSync(path === "-" ? 0 : path, "utf8");
  process.exitCode = await runCli(process.argv.slice(2), { env, stdout, stderr, fetch, readFile, registry, texts, zone, sleep });
}
