import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../../core/config.ts";
import { ConfigError } from "../../core/config-fields.ts";

const KEY_BYTES = 32;

/**
 * The key that encrypts and signs: `SECRET_KEY`, or with the embedded database one of its own in `DATA_DIR/secret.key`, made at the first start.
 * @throws ConfigError where the file holds no key
 */
export async function openSecretKey({ secret_key, data_dir }: Config): Promise<Buffer> {
  if (secret_key) return secret_key;
  const file = path.join(data_dir, "secret.key");
  await mkdir(data_dir, { recursive: true });
  // Never over one that is there: what it encrypted would be lost.
  await writeFile(file, `${randomBytes(KEY_BYTES).toString("hex")}\n`, { flag: "wx", mode: 0o600 }).catch(ignoreExisting);
  const key = Buffer.from((await readFile(file, "utf8")).trim(), "hex");
  if (key.length === KEY_BYTES) return key;
  throw new ConfigError("SECRET_KEY", `must be set, or ${file} must hold 64 hexadecimal digits; remove the file to make a new key`);
}

function ignoreExisting(thrown: NodeJS.ErrnoException): void {
  if (thrown.code !== "EEXIST") throw thrown;
}

/** The secret that a platform shows when it calls us, where none is set: 43 of A-Z, a-z, 0-9, "_" and "-". */
export function webhookSecret(key: Buffer, platform: string): string {
  return createHmac("sha256", key).update(`switchboard webhook ${platform}`).digest("base64url");
}
