import { badRequest } from "./refusal.ts";

/** The parameters of a call, from its query and its body, whatever the type of that was. */
export type Params = Readonly<Record<string, unknown>>;

/** Merges query and body; a body that is no object has no parameters. */
export function readParams(query: unknown, body: unknown): Params {
  const object = (value: unknown) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});
  return { ...object(query), ...object(body) };
}

const absent = (value: unknown): boolean => value === undefined || value === null || value === "";

/** A text; the real server writes numbers out, and so does this one. Throws 400 for anything else. */
export function textParam(params: Params, name: string): string {
  const value = params[name];
  if (absent(value)) return "";
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") throw badRequest(`field "${name}" must be of type String`);
  if (/[\ud800-\udfff]/u.test(value)) throw badRequest("strings must be encoded in UTF-8");
  return value;
}

/** A whole number, also as a text; undefined when absent. Throws 400 for anything else. */
export function integerParam(params: Params, name: string): number | undefined {
  const value = params[name];
  if (absent(value)) return undefined;
  const number = typeof value === "string" && /^\s*-?\d{1,16}\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw badRequest(`field "${name}" must be of type Integer`);
  return number;
}

/** True or false, also as forms write them. Throws 400 for anything else. */
export function booleanParam(params: Params, name: string): boolean {
  const value = params[name];
  if (absent(value)) return false;
  if (typeof value === "boolean") return value;
  const word = String(value).toLowerCase();
  if (["true", "yes", "1"].includes(word)) return true;
  if (["false", "no", "0"].includes(word)) return false;
  throw badRequest(`field "${name}" must be of type Boolean`);
}

/** An object or an array, also written as JSON in a text; undefined when absent. Throws 400 "can't parse WHAT JSON object". */
export function jsonParam(params: Params, name: string, what: string): unknown {
  const value = params[name];
  if (absent(value)) return undefined;
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    throw badRequest(`can't parse ${what} JSON object`);
  }
}

/** The id of a chat. Names (@channel) are taken, and never known here. */
export function chatParam(params: Params): number {
  const value = params["chat_id"];
  if (absent(value)) throw badRequest("chat_id is empty");
  if (typeof value === "string" && value.startsWith("@")) throw badRequest("chat not found");
  const id = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id === 0) throw badRequest("chat not found");
  return id;
}

/** The id of a message. */
export function messageParam(params: Params): number {
  const id = integerParam(params, "message_id");
  if (id === undefined || id <= 0) throw badRequest("message identifier is not specified");
  return id;
}
