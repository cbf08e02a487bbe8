import { expect } from "vitest";

/** A request, as a client of the API would make it. */
export interface Sent {
  readonly method?: string;
  readonly key?: string;
  /** An object is sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; an empty object where it is none. */
  readonly json: Record<string, unknown>;
}

/** Asks a server. Without a method it is a POST where there is a body, else a GET. */
export async function send(url: string, { method, key, body, headers = {} }: Sent = {}): Promise<Got> {
  const raw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: toJson(text) };
}

function toJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** What belongs into a log and not into a sentence: stacks, names of libraries, of errors and of values that a program sees. */
const TECHNICAL =
  /\n\s+at |node_modules|\.[tj]s\b|\b(zod|prisma|fastify|grammy|bullmq|ioredis|postgres|pg|FST_|ERR_|ECONN\w+|Error|Exception|undefined|NaN|SELECT|INSERT)\b|\[object /i;
/** Our own codes are for machines. */
const CODES =
  /\b(bad_request|unauthenticated|not_found|unknown_command|confirmation_gone|too_large|invalid_input|protected_address|rate_limited|internal)\b/;
const SCRIPTS: Readonly<Record<string, RegExp>> = {
  en: /^[^\p{Script=Hangul}\p{Script=Cyrillic}]+$/u,
  ko: /\p{Script=Hangul}/u,
  ru: /\p{Script=Cyrillic}/u,
};
const LONGEST = 250;

/** Holds that something said to a person is a sentence in their language and nothing else. */
export function expectSentence(words: unknown, language: string): void {
  expect(words).toBeTypeOf("string");
  const said = String(words);
  expect(said.length).toBeGreaterThan(5);
  expect(said.length).toBeLessThan(LONGEST);
  expect(said).not.toMatch(/\n|\{\{/);
  expect(said).not.toMatch(TECHNICAL);
  expect(said).not.toMatch(CODES);
  expect(said).toMatch(SCRIPTS[language] ?? /^$/);
  expect(said).not.toMatch(/\p{Surrogate}|\ufffd/u);
}

/** Holds that an answer is a problem document of this status. */
export function expectProblem(got: Got, status: number, code?: string): void {
  expect(got.json, got.text.slice(0, 300)).toMatchObject({ status, ...(code !== undefined && { code }) });
  expect(got.status).toBe(status);
  expect(got.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(got.headers.get("x-request-id")).toBe(got.json["request_id"]);
}
