import { createHash } from "node:crypto";
import { text } from "../core/reply.ts";
import { invalidInput } from "../core/text/invalid-input.ts";

/** Deeper than any input of ours; a body of 1 MiB can nest deeper than the stack. */
const MAX_DEPTH = 64;

/**
 * JSON in which the order of an object's keys does not show: what means the same is the same text.
 * @throws OpsError `invalid_input` for what is nested too deep
 */
function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw invalidInput("", text("parse.too_deep", { field: "body" }));
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each, depth + 1)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each, depth + 1)}`).join(",")}}`;
}

/** The SHA-256 of what means the same, in hexadecimal. @throws OpsError as `canonicalJson` */
export function canonicalHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
