import { parseArgs } from "node:util";
import { parseCloudflareBudget } from "./cloudflare/budget.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "./server.ts";
import { parseTelegramLimits } from "./telegram/limits.ts";

/** A wrong setting, as everywhere in Switchboard. */
const EXIT_CONFIG = 78;

/** A comma list of ids of zones or accounts; undefined where the variable is not set. */
function readIds(env: NodeJS.ProcessEnv, name: string): readonly string[] | undefined {
  const ids = (env[name] ?? "").split(",").map((id) => id.trim().toLowerCase());
  const given = ids.filter((id) => id !== "");
  if (given.some((id) => !/^[0-9a-f]{32}$/.test(id)) || new Set(given).size < given.length)
    throw new Error(`${name} must be ids of 32 hexadecimal digits, separated by commas, each once`);
  return given.length > 0 ? given : undefined;
}

function readOptions(env: NodeJS.ProcessEnv): SandboxOptions {
  const { values } = parseArgs({ options: { port: { type: "string" }, "data-dir": { type: "string" } } });
  const port = values.port ?? (env["SANDBOX_PORT"] || "0");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error("--port must be a number from 0 to 65535");
  const limits = env["TELEGRAM_LIMITS"];
  const budget = env["CLOUDFLARE_BUDGET"];
  const zones = readIds(env, "CLOUDFLARE_ZONE_ID");
  const accounts = readIds(env, "CLOUDFLARE_ACCOUNT_ID");
  return {
    data_dir: values["data-dir"] ?? (env["DATA_DIR"] || ".data"),
    port: Number(port),
    ...(limits ? { telegram_limits: parseTelegramLimits(limits) } : {}),
    ...(budget ? { cloudflare_budget: parseCloudflareBudget(budget) } : {}),
    ...(zones ? { cloudflare_zones: zones } : {}),
    ...(accounts ? { cloudflare_accounts: accounts } : {}),
    log: (line) => console.error(line),
  };
}

async function stop(sandbox: Sandbox): Promise<never> {
  await sandbox.close();
  process.exit(0);
}

/** Runs the emulators alone: prints where they are and how to point Switchboard there, and stops on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const sandbox = await createSandbox(readOptions(process.env));
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop(sandbox));
  for (const { base_path, environment } of sandbox.state.emulators) {
    for (const [name, value] of Object.entries(environment(`${sandbox.url}${base_path}`))) console.log(`${name}=${value}`);
  }
  console.log(`sandbox listening on ${sandbox.url}`);
}

main().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(EXIT_CONFIG);
});
