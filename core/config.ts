import type { Locale } from "./locale.ts";

/** At most `limit` calls in any `window_ms`. */
export interface Rate {
  readonly limit: number;
  readonly window_ms: number;
}

/** The parts of Switchboard a process may run. */
export const PROCESS_ROLES = ["http", "bots", "workers", "scheduler"] as const;

/** A part of Switchboard that a process runs. */
export type ProcessRole = (typeof PROCESS_ROLES)[number];

/** Everything that is set from outside, checked. Made by `parseConfig`; the names of the variables are the contract's. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Absolute. */
  readonly data_dir: string;
  readonly roles: readonly ProcessRole[];
  /** Null: the embedded PostgreSQL in `data_dir`. */
  readonly database_url: string | null;
  /** Null: queues and small things live in PostgreSQL. */
  readonly redis: { readonly url: string; readonly require_aof: boolean } | null;
  /** Null: no emulators. Port 0 picks one. */
  readonly sandbox: { readonly port: number } | null;
  readonly admin_api_key: string | null;
  /** 32 bytes; null: made in `data_dir`. */
  readonly secret_key: Buffer | null;
  /** Identities that get a role at their first start. */
  readonly first_grants: readonly { readonly identity: string; readonly role: "viewer" | "operator" | "admin" }[];
  readonly locale: Locale;
  readonly zone: string;
  /** Canonical addresses and CIDRs. */
  readonly never_block: readonly string[];
  /** Null: off. Where the sandbox is used its token and root come from there. */
  readonly telegram: { readonly token: string; readonly api_root: string } | null;
  readonly telegram_limits: { readonly global: Rate; readonly chat: Rate; readonly group: Rate };
  readonly cloudflare: { readonly token: string; readonly zone_id: string; readonly base_url: string } | null;
  readonly cloudflare_budget: Rate;
  readonly log_level: "debug" | "info" | "warn" | "error";
}
