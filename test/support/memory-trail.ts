import type { AuditReader } from "../../core/desk-ports.ts";
import type { AuditEntry } from "../../core/stores.ts";
import type { TestClock } from "./clock.ts";

/** Reads the audit in memory. It is always whole; its hashes are of no use. Every line is of the present moment. */
export function createMemoryTrail(audit: readonly AuditEntry[], clock: TestClock): AuditReader {
  const hashOf = (seq: number) => String(seq).padStart(64, "0");
  return {
    async list({ identity, command, since, before, limit }) {
      const at = clock.now().toISOString();
      return audit
        .map((entry, index) => ({ ...entry, seq: index + 1, at }))
        .filter((line) => (identity === undefined || line.identity === identity) && (command === undefined || line.command === command))
        .filter((line) => (since === undefined || line.at >= since) && (before === undefined || line.seq < before))
        .reverse()
        .slice(0, limit);
    },
    verify: async () => ({ lines: audit.length, head: hashOf(audit.length), broken: null }),
    hashOf: async (seq) => (seq >= 1 && seq <= audit.length ? hashOf(seq) : null),
  };
}
