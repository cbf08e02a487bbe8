import { createLogger } from "../clients/logger.ts";
import { type Config, parseConfig } from "../core/config.ts";
import { ConfigError } from "../core/config-fields.ts";
import { toOpsError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import type { App } from "./app/app.ts";
import { greeting } from "./greeting.ts";
import { watchParent } from "./parent.ts";

/** A wrong setting (contract, "Starting"; EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;
/** Everything is let go within this time of a signal, or it is let go of. */
const STOP_MS = 10_000;

/** `switchboard serve`: starts everything, says what runs where, and ends on SIGTERM, SIGINT, or when the npm that started it is gone. */
export async function serve(env: NodeJS.ProcessEnv): Promise<void> {
  // Until everything has started there is nothing to finish.
  let stop = (): void => process.exit(0);
  process.on("SIGTERM", () => stop());
  process.on("SIGINT", () => stop());
  if (env["npm_lifecycle_event"] !== undefined) watchParent(env["npm_lifecycle_script"] ?? "", () => stop());
  const config = readConfig(env);
  const log = createLogger({ level: config.log_level, redact: secretsOf(config) });
  process.on("unhandledRejection", (thrown) => log.error({ err: thrown }, "an error that nobody waited for"));
  // Loaded only now, so that a wrong setting is told in a moment.
  const { startApp } = await import("./app/app.ts");
  const app = await startApp(config, log).catch((thrown: unknown) => exitBecause(thrown));
  for (const line of greeting(config, app)) console.log(line);
  stop = stopOnce(app, log);
}

function readConfig(env: NodeJS.ProcessEnv): Config {
  try {
    return parseConfig(env, process.cwd());
  } catch (thrown) {
    return exitBecause(thrown);
  }
}

function exitBecause(thrown: unknown): never {
  if (thrown instanceof ConfigError) {
    console.error(thrown.message);
    process.exit(EXIT_CONFIG);
  }
  const error = toOpsError(thrown);
  console.error(`Switchboard cannot start: ${error.message}`);
  if (error.code === "internal" && thrown instanceof Error) console.error(thrown.stack);
  process.exit(1);
}

function secretsOf(config: Config): string[] {
  const urls = [config.database_url ?? "", config.redis?.url ?? ""];
  const passwords = urls.filter((url) => URL.canParse(url)).map((url) => decodeURIComponent(new URL(url).password));
  const tokens = [
    config.admin_api_key ?? "",
    config.telegram?.token ?? "",
    config.telegram_webhook_secret ?? "",
    config.cloudflare?.token ?? "",
  ];
  return [...tokens, ...urls, ...passwords].filter((secret) => secret !== "");
}

function stopOnce(app: App, log: Logger): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      log.warn({}, "not everything could be finished in time; it goes on at the next start");
      process.exit(0);
    }, STOP_MS).unref();
    void app.stop().then(
      () => process.exit(0),
      (thrown: unknown) => exitBecause(thrown),
    );
  };
}
