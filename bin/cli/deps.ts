import type { Locale } from "../../core/locale.ts";
import type { Registry } from "../../core/registry.ts";
import type { Texts } from "../../core/reply.ts";

/** What the CLI needs of the world. */
export interface CliDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(words: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(words: string): unknown; readonly isTTY?: boolean };
  readonly fetch: typeof fetch;
  /** What a file holds, in UTF-8; of `-` the standard input. @throws Error with a `code` as Node's, e.g. ENOENT */
  readFile(path: string): string;
  /** The commands of this build. */
  readonly registry: Registry;
  readonly texts: Texts;
  /** IANA time zone in which moments are shown. */
  readonly zone: string;
  /** Resolves after so many milliseconds. */
  sleep(ms: number): Promise<void>;
}

/** Exit codes (contract, "CLI"). */
export const EXIT = { done: 0, failed: 1, usage: 2, confirm: 3, forbidden: 4 } as const;

/** The flags of the CLI itself. */
export interface CliFlags {
  readonly json: boolean;
  readonly noWait: boolean;
  readonly yes: boolean;
  readonly help: boolean;
}

/** One call of the CLI: its world, its flags, and the language of its user. */
export interface Session extends CliDeps {
  readonly flags: CliFlags;
  readonly locale: Locale;
}
