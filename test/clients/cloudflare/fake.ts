import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import ipaddr from "ipaddr.js";
import { onTestFinished } from "vitest";
import { type CloudflareOptions, createCloudflareEdge } from "../../../clients/cloudflare/edge.ts";
import { OpsError } from "../../../core/errors.ts";

/** The one token that the fake takes. */
export const TOKEN = "cf-secret-token-0123456789";

/** The scopes that exist, as their paths begin. */
const RULES = /^\/client\/v4\/((?:zones\/zone-[12])|accounts\/account-1)\/firewall\/access_rules\/rules\/?/;

/** How a call fails. */
interface Fault {
  /** 0: it does not fail. */
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** Acts, then cuts the connection. */
  readonly drop?: boolean;
}

/** A rule as Cloudflare holds it. */
interface StoredRule {
  readonly id: string;
  /** As its path begins: `zones/zone-1`. */
  readonly home: string;
  readonly mode: string;
  readonly notes: string;
  readonly created_on: string;
  readonly configuration: { readonly target: string; readonly value: string };
}

type Answer = readonly [status: number, body: unknown];

/** The part of Cloudflare that the edge talks to, strict about path, token and headers: `zone-1`, `zone-2` and `account-1`. */
function createCloudflareFake() {
  const rules: StoredRule[] = [];
  let faults: Fault[] = [];
  const calls: string[] = [];
  const urls: URL[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request);
    const url = new URL(request.url ?? "", "http://cloudflare");
    calls.push(request.method ?? "");
    urls.push(url);
    const send = ([status, answered]: Answer, headers = {}) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(answered));
    const refusal = refuse(request, url);
    if (refusal) return send(refusal);
    const fault = faults.shift();
    if (fault?.status) return send([fault.status, failure(fault.status, "fault")], fault.headers);
    const result = act(rules, { method: request.method ?? "", url, body });
    if (fault?.drop) return void request.socket.destroy();
    send(result);
  };
  const server = createServer((request, response) => void answer(request, response));
  return {
    calls,
    /** What was asked for, call by call. */
    urls,
    rules,
    start: () => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
    baseUrl: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    fail(...next: Fault[]) {
      faults = next;
    },
    /** Somebody makes a rule by hand. */
    plant(mode: string, value: string, target = "ip") {
      const made = { notes: "by hand", created_on: "2026-11-01T00:00:00Z", configuration: { target, value } };
      const id = ["planted", ...rules.map((rule) => rule.id).filter((each) => each.startsWith("planted"))].join("-");
      rules.push({ id, home: "zones/zone-1", mode, ...made });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse({ headers }: IncomingMessage, { pathname }: URL): Answer | null {
  const stray = Object.keys(headers).filter((name) => name.startsWith("x-"));
  if (stray.length > 0 || !RULES.test(pathname)) return [404, failure(7_003, `Could not route to ${pathname} ${stray}`)];
  return headers.authorization === `Bearer ${TOKEN}` ? null : [403, failure(10_000, "Authentication error")];
}

function act(all: StoredRule[], { method, url, body }: { method: string; url: URL; body: string }): Answer {
  const home = RULES.exec(url.pathname)?.[1] ?? "";
  const id = url.pathname.replace(RULES, "");
  const rules = all.filter((rule) => rule.home === home);
  if (method === "DELETE") return remove(all, rules, id);
  if (method === "GET") return id ? get(rules, id) : list(rules, url.searchParams);
  const { mode, notes, configuration } = JSON.parse(body) as StoredRule;
  const value = expand(configuration.value);
  if (rules.some((rule) => rule.configuration.value === value)) {
    return [400, failure(10_009, "firewallaccessrules.api.duplicate_of_existing")];
  }
  const created_on = "2026-11-22T00:00:00Z";
  all.push({ id: `rule-${all.length + 1}`, home, mode, notes, created_on, configuration: { ...configuration, value } });
  return [200, success(all.at(-1))];
}

function list(rules: readonly StoredRule[], query: URLSearchParams): Answer {
  const [target, value] = ["configuration.target", "configuration.value"].map((name) => query.get(name));
  const page = Number(query.get("page") ?? 1);
  const per_page = Number(query.get("per_page") ?? 20);
  const fits = ({ configuration }: StoredRule) => configuration.target === target && configuration.value === value;
  const found = rules.filter((rule) => value === null || fits(rule));
  const info = { page, per_page, total_count: found.length, total_pages: Math.ceil(found.length / per_page) };
  return [200, { ...success(found.slice((page - 1) * per_page, page * per_page)), result_info: info }];
}

function get(rules: readonly StoredRule[], id: string): Answer {
  const rule = rules.find((candidate) => candidate.id === id);
  return rule ? [200, success(rule)] : [404, failure(10_001, "firewallaccessrules.api.not_found")];
}

function remove(all: StoredRule[], rules: readonly StoredRule[], id: string): Answer {
  const rule = rules.find((candidate) => candidate.id === id);
  if (!rule) return [404, failure(10_001, "firewallaccessrules.api.not_found")];
  all.splice(all.indexOf(rule), 1);
  return [200, success({ id })];
}

/** Cloudflare keeps IPv6 addresses with all their zeros. */
function expand(value: string): string {
  const [ip = "", bits] = value.split("/");
  if (!ipaddr.IPv6.isValid(ip)) return value;
  const groups = ipaddr.IPv6.parse(ip).parts.map((part) => part.toString(16).padStart(4, "0"));
  return [groups.join(":"), ...(bits ? [bits] : [])].join("/");
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const success = (result: unknown) => ({ success: true, errors: [], messages: [], result });
const failure = (code: number, message: string) => ({ success: false, errors: [{ code, message }], messages: [], result: null });

/** Nothing stops it, and somebody waits for it. */
export const CALL = { lane: "interactive", signal: new AbortController().signal } as const;
/** The scope most tests are about. */
export const ZONE = "zone:zone-1";

/** A running fake with an edge on it, until the test ends. */
export async function startFake(options: Partial<CloudflareOptions> = {}) {
  const cloudflare = createCloudflareFake();
  await cloudflare.start();
  onTestFinished(() => cloudflare.stop());
  const edgeWith = (other: Partial<CloudflareOptions> = {}) =>
    createCloudflareEdge({ token: TOKEN, base_url: cloudflare.baseUrl(), scopes: [ZONE], ...options, ...other });
  return { cloudflare, edge: edgeWith(), edgeWith };
}

/** What the work failed with. Nothing of it shows the token. */
export async function refusalOf(work: Promise<unknown>): Promise<OpsError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpsError)) throw new Error(`expected an OpsError, got ${String(error)}`);
  if (JSON.stringify([error.message, error.text, error.stack, error.cause]).includes("secret")) throw new Error("the token is shown");
  return error;
}

/** Everything that comes, page by page. */
export async function allOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}
