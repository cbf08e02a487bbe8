import { RUN_STATUSES } from "../../core/run.ts";

/**
 * What each command may give, one of every form its answer takes. Whoever adds a command adds its samples: the catalogue's test
 * says which are missing.
 */
const address = (ip: string, status: string, more: object = {}) => ({ ip, status, rule_ids: ["r-1"], expires_at: null, ...more });
const failed = address("203.0.113.9", "failed", { rule_ids: [], error: "upstream_refused" });
const open = address("203.0.113.9", "unverified", { rule_ids: [], error: "outcome_unknown" });
const found = { ip: "203.0.113.7", status: "blocked", rule_ids: ["r-1"], notes: "by hand", since: "2026-11-22T09:00:00Z" };
const free = { ip: "203.0.113.8", status: "not_blocked", rule_ids: [], notes: null, since: null };
const run = {
  ...{ run_id: "7k2m9qd04xvb", command: "cf_block", attempts: 1, identity: "telegram:1002" },
  ...{ created_at: "2026-11-22T09:00:00Z", finished_at: null, error: null, reason: null },
};
const reason = { key: "cf.refused", params: { reason: "1004 wrong zone" } };
const entry = {
  ...{ slug: "ping", aliases: ["p"], usage: "ping", summary: { en: "e", ko: "k", ru: "r" } },
  examples: { en: ["ping"], ko: ["ping"], ru: ["ping"] },
};

const listed = {
  run_id: "7k2m9qd04xvb",
  command: "cf_block",
  status: "failed",
  identity: "telegram:1002",
  created_at: "2026-11-22T09:00:00Z",
};
const line = {
  ...{ seq: 7, at: "2026-11-22T09:00:00Z", identity: "telegram:1002", action: "confirm", command: "cf_block", outcome: "queued" },
  ...{ input: { ip: ["203.0.113.7"], reason: "x".repeat(200) }, request_id: "telegram-1-7", run_id: "7k2m9qd04xvb" },
};

/** Outputs by the command's slug. */
export const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  cf_block: [
    { results: [address("203.0.113.7", "blocked")] },
    { results: [address("203.0.113.7", "already_blocked")] },
    { results: [address("203.0.113.7", "unverified", { rule_ids: [] })] },
    { results: [address("203.0.113.7", "blocked"), address("203.0.113.8", "already_blocked"), failed, open] },
    { results: Array.from({ length: 100 }, (_, at) => address(`2001:db8:85a3:8d3:1319:8a2e:370:${at}`, "blocked")) },
  ],
  cf_release: [
    { results: [address("203.0.113.7", "released")] },
    { results: [address("203.0.113.7", "released", { notes: "by hand" })] },
    { results: [address("203.0.113.7", "not_blocked", { rule_ids: [] })] },
    { results: [address("203.0.113.7", "unverified")] },
    { results: [address("203.0.113.7", "released"), address("203.0.113.8", "not_blocked"), failed, open] },
  ],
  cf_search: [{ results: [found] }, { results: [free] }, { results: [found, free, { ...free, status: "failed", error: "timeout" }] }],
  run_show: [
    ...["accepted", "running"].map((status) => ({ ...run, status })),
    ...["succeeded", "failed", "unknown", "cancelled"].map((status) => ({
      ...{ ...run, status, finished_at: "2026-11-22T09:00:01Z" },
      ...(status === "failed" && { error: "upstream_refused", reason }),
    })),
  ],
  run_list: [
    { runs: [], next: null },
    { runs: RUN_STATUSES.map((status) => ({ ...listed, status })), next: "run_list --cursor 7k2m9qd04xvb --all" },
    { runs: [listed], next: `run_list --cursor 7k2m9qd04xvb --command cf_block --person ${"x".repeat(40)}` },
  ],
  run_retry: [{ run_id: "7k2m9qd04xvb", command: "cf_block", input: { ip: ["203.0.113.7"] } }],
  run_cancel: [
    { run_id: "7k2m9qd04xvb", command: "cf_block", status: "cancelled", state: "cancelled" },
    { run_id: "7k2m9qd04xvb", command: "cf_block", status: "unknown", state: "cancelled" },
    { run_id: "7k2m9qd04xvb", command: "cf_block", status: "running", state: "stopping" },
  ],
  telegram_send: ["1001", "-1001234567890"].map((chat_id) => ({ chat_id, message_id: "7" })),
  audit: [
    { at: "2026-11-22T09:00:00Z", csv: false, lines: [], next: null },
    { at: "2026-11-22T09:00:00Z", csv: false, lines: Array.from({ length: 10 }, () => line), next: "audit --before 7" },
    { at: "2026-11-22T09:00:00Z", csv: false, lines: [{ ...line, command: null, input: null }], next: null },
    { at: "2026-11-22T09:00:00Z", csv: true, lines: [line], next: "audit --before 7 --csv" },
  ],
  audit_verify: [
    { lines: 0, head: "", broken: null, witnessed: null },
    { lines: 7, head: "a".repeat(64), broken: null, witnessed: true },
    { lines: 7, head: "a".repeat(64), broken: null, witnessed: false },
    { lines: 7, head: "a".repeat(64), broken: 3, witnessed: null },
  ],
  whoami: ["admin", null].map((role) => ({ person_id: "p-1", name: "Kim", identity: "telegram:1001", role })),
  grant: [
    { identity: "telegram:9", before: null, after: "viewer" },
    { identity: "telegram:9", before: "viewer", after: "admin" },
    { identity: "telegram:9", before: "ingest", after: "viewer" },
    { identity: "telegram:9", before: "viewer", after: "viewer" },
  ],
  revoke: ["operator", "ingest", null].map((before) => ({ identity: "telegram:9", before })),
  help: [
    { commands: [entry, entry], one: false },
    { commands: [entry], one: true },
    { commands: [{ ...entry, aliases: [] }], one: true },
  ],
  ping: [{ parts: [{ part: "database", state: "ok" }] }, { parts: [{ part: "telegram", state: "down", note: "401" }] }],
};
