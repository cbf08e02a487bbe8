import { RUN_STATUSES } from "../../core/run.ts";

/**
 * What each command may give, one of every form its answer takes. Whoever adds a command adds its samples: the catalogue's test
 * says which are missing.
 */
const address = (ip: string, status: string, more: object = {}) => ({ ip, status, rule_ids: ["r-1"], expires_at: null, ...more });
const failed = address("203.0.113.9", "failed", { rule_ids: [], error: "upstream_refused" });
const open = address("203.0.113.9", "unverified", { rule_ids: [], error: "outcome_unknown" });
const found = {
  ...{ ip: "203.0.113.7", status: "blocked", owner: "ours", rule_ids: ["r-1"], scopes: ["zone:1"], covered_by: null, missing: false },
  ...{ since: "2026-11-22T09:00:00Z", by: "telegram:1002", reason: "scan", expires_at: null, released: null },
};
const free = {
  ...found,
  ip: "203.0.113.8",
  status: "not_blocked",
  owner: null,
  rule_ids: [],
  scopes: [],
  since: null,
  by: null,
  reason: null,
};
const entryOf = (network: string, more: object = {}) => ({
  ...{ network, scope: "zone:1", rule_id: "r-1", owner: "ours", drift: null, since: "2026-11-22T09:00:00Z", identity: "telegram:1002" },
  ...{ reason: "scan", expires_at: null, ...more },
});
const listing = { kind: "all", total: 1, page: 1, pages: 1, as_of: "2026-11-22T09:00:00Z", ours: 1, foreign: 0, drift: 0, csv: false };
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

const counts = { since: "2026-11-22T09:00:00Z", until: "2026-11-22T10:00:30Z", span_s: 60, event: null };
const kindOf = (event: string, at: number) => ({ event, count: 183 - at, counts: Array.from({ length: 61 }, () => 3) });
const none = { total: 0, per_minute: 0, busiest: null, kinds: [], other: null };
const busiest = { at: "2026-11-22T09:30:00Z", count: 1_234 };
const happened = {
  ...{ event_id: "5f0c1d7e", event: "purchase", event_datetime: "2026-11-22T00:16:43.306000Z" },
  parameters: { order_id: "o-1", currency: "krw", price: 1_200.5 },
};
const events = { user_id: "tester1", at: "2026-11-22T09:00:00Z", csv: false, known: null, next_cursor: null, next: null, all: null };
const more = { next_cursor: "x".repeat(100), next: `event_search tester1 --cursor ${"x".repeat(100)}`, all: "event_search tester1 --csv" };
const failure = { event_id: "5f0c1d7e", user_id: "tester1", event: "purchase", failed_at: "2026-11-22T00:16:43.306000Z", attempts: 2 };
const replayed = { results: [], left: 0, all: false, done: true, resumed: false };
const again = (status: string, reason: object = {}) => ({ event_id: "5f0c1d7e", status, ...reason });

/** Outputs by the command's slug. */
export const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  cf_block: [
    { results: [address("203.0.113.7", "blocked")] },
    { results: [address("203.0.113.7", "already_blocked")] },
    { results: [address("203.0.113.7", "already_blocked", { adopted: true })] },
    { results: [address("203.0.113.7", "blocked", { expires_at: "2026-11-22T11:00:00Z" })] },
    { results: [address("203.0.113.7", "unverified", { rule_ids: [] })] },
    { results: [address("203.0.113.7", "blocked"), address("203.0.113.8", "already_blocked"), failed, open] },
    { results: Array.from({ length: 100 }, (_, at) => address(`2001:db8:85a3:8d3:1319:8a2e:370:${at}`, "blocked")) },
  ],
  cf_release: [
    { results: [address("203.0.113.7", "released")] },
    { results: [address("203.0.113.7", "released", { notes: "by hand" })] },
    { results: [address("203.0.113.7", "released", { covered_by: "203.0.113.0/24" })] },
    { results: [address("203.0.113.7", "foreign", { notes: "by hand" })] },
    { results: [address("203.0.113.7", "covered", { rule_ids: [], notes: "203.0.113.0/24" })] },
    { results: [address("203.0.113.0/20", "released", { rule_ids: Array.from({ length: 16 }, (_, at) => `r-${at}`) })] },
    { results: [address("203.0.113.7", "not_blocked", { rule_ids: [] })] },
    { results: [address("203.0.113.7", "unverified")] },
    { results: [address("203.0.113.7", "released"), address("203.0.113.8", "not_blocked"), failed, open] },
  ],
  cf_search: [
    { results: [found] },
    { results: [{ ...found, scopes: ["zone:1", "zone:2", "zone:3", "zone:4"], expires_at: "2026-11-22T11:00:00Z" }] },
    { results: [{ ...found, owner: "foreign", by: null, covered_by: "203.0.113.0/24" }] },
    { results: [{ ...free, owner: "ours", missing: true }] },
    { results: [{ ...free, lifted_by: "telegram:1002" }] },
    { results: [{ ...free, released: { by: "expiry", at: "2026-11-22T09:00:00Z" } }] },
    { results: [found, free, { ...found, status: "partly" }] },
  ],
  cf_list: [
    { ...listing, entries: [entryOf("203.0.113.7")] },
    { ...listing, entries: [], total: 0, as_of: null },
    { ...listing, kind: "drift", drift: 2, entries: ["missing", "changed"].map((drift) => entryOf("203.0.113.7", { drift })) },
    {
      ...listing,
      kind: "foreign",
      total: 45,
      page: 2,
      pages: 3,
      entries: [entryOf("2001:db8::/32", { owner: "foreign", identity: null })],
    },
    { ...listing, kind: "ours", csv: true, entries: [entryOf("203.0.113.7", { expires_at: "2026-11-22T11:00:00Z", reason: null })] },
  ],
  event_stats: [
    { ...counts, ...none },
    { ...counts, ...none, event: "purchase" },
    { ...counts, total: 1, per_minute: 0.02, busiest: { ...busiest, count: 1 }, kinds: [kindOf("purchase", 0)], other: null },
    {
      ...{ ...counts, span_s: 21_600, total: 1_234_567, per_minute: 20_409, busiest, other: kindOf("", 0) },
      kinds: Array.from({ length: 7 }, (_, at) => kindOf("x".repeat(255), at)),
    },
  ],
  event_search: [
    { ...events, events: [happened, { ...happened, parameters: null }] },
    { ...events, events: Array.from({ length: 1_000 }, () => happened), ...more },
    { ...events, events: [happened], csv: true, ...more, all: null },
    { ...events, events: [], known: { stored: 0, failed: 0 } },
    { ...events, events: [], known: { stored: 0, failed: 2 } },
    { ...events, events: [], known: { stored: 7, failed: 0 } },
  ],
  event_failed: [
    { total: 0, events: [], next_cursor: null, next: null },
    { total: 9, events: [], next_cursor: null, next: null },
    { total: 1, events: [{ ...failure, reason: "numeric field overflow" }], next_cursor: null, next: null },
    { total: 99, events: [{ ...failure, reason: "x".repeat(999) }], next_cursor: "x", next: "event_failed --cursor x" },
  ],
  event_replay: [
    replayed,
    { ...replayed, results: [again("stored")] },
    {
      ...{ ...replayed, left: 3, done: false, resumed: true },
      results: [
        again("stored"),
        again("duplicate"),
        again("failed", { reason: "numeric field overflow" }),
        again("failed"),
        again("unknown"),
      ],
    },
    {
      ...replayed,
      left: 700,
      all: true,
      results: Array.from({ length: 1_000 }, () => again("failed", { reason: "numeric field overflow" })),
    },
    { ...replayed, all: true, results: [again("stored"), again("duplicate")] },
  ],
  event_forget: [
    { user_id: "tester1", stored: 0, failed: 0, done: true, resumed: false },
    { user_id: "tester1", stored: 1, failed: 1, done: true, resumed: true },
    { user_id: "tester1", stored: 2_000, failed: 5, done: false, resumed: false },
  ],
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
