import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSecretKey, webhookSecret } from "../../bin/app/secret-key.ts";
import { parseConfig } from "../../core/config.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "switchboard-key-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}
const configOf = (data_dir: string, env: Record<string, string> = {}) => parseConfig({ DATA_DIR: data_dir, ...env }, "/");

describe("the secret key", () => {
  it("is made once, for its owner alone, and found again", async () => {
    const data_dir = path.join(await folder(), "data");
    const key = await openSecretKey(configOf(data_dir));
    expect(key).toHaveLength(32);
    expect(await openSecretKey(configOf(data_dir))).toEqual(key);
    expect((await stat(path.join(data_dir, "secret.key"))).mode & 0o777).toBe(0o600);
  });

  it("is the one that is set, and then no file is made", async () => {
    const data_dir = path.join(await folder(), "data");
    expect(await openSecretKey(configOf(data_dir, { SECRET_KEY: "0f".repeat(32) }))).toEqual(Buffer.alloc(32, 0x0f));
    await expect(stat(data_dir)).rejects.toThrow();
  });

  it("that is broken stops the start and is not written over", async () => {
    const data_dir = await folder();
    await writeFile(path.join(data_dir, "secret.key"), "half a ke");
    await expect(openSecretKey(configOf(data_dir))).rejects.toThrow(/^SECRET_KEY must be set, or .* must hold 64 hexadecimal digits/);
  });
});

describe("a webhook's secret", () => {
  it("follows from the key, is another for each platform, and is made of what Telegram allows", () => {
    const key = Buffer.alloc(32, 1);
    expect(webhookSecret(key, "telegram")).toMatch(/^[\w-]{43}$/);
    expect(webhookSecret(key, "telegram")).toBe(webhookSecret(Buffer.alloc(32, 1), "telegram"));
    expect(webhookSecret(key, "viber")).not.toBe(webhookSecret(key, "telegram"));
    expect(webhookSecret(Buffer.alloc(32, 2), "telegram")).not.toBe(webhookSecret(key, "telegram"));
  });
});
