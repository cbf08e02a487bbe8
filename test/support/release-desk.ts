import { OpsError } from "../../core/errors.ts";
import { createTestDesk } from "./conversation.ts";

/** Failures of Cloudflare: one that may pass, one that stays, and one of which nobody knows what it did. */
export const unavailable = new OpsError("upstream_unavailable", "connection reset");
export const refused = new OpsError("upstream_refused", "HTTP 403");
export const unknown = new OpsError("outcome_unknown", "the answer was lost");
/** Longer than all pauses between eight tries. */
export const ALL_TRIES_MS = 600_000;
/** The address that is blocked and released. */
export const IP = "203.0.113.7";

/** A desk with an operator and a viewer. */
export function desk() {
  const opened = createTestDesk();
  return { ...opened, op: opened.person("telegram:1002", "operator"), viewer: opened.person("telegram:1003", "viewer") };
}

/** A desk on which some addresses are blocked. */
export async function blocked(ips = IP) {
  const opened = desk();
  await opened.op.says(`/block ${ips}`);
  return opened;
}
