import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import ipaddr from "ipaddr.js";

/** The one token that the fake takes. */
export const TOKEN = "cf-secret-token-0123456789";

const RULES = "/client/v4/zones/zone-1/firewall/access_rules/rules";

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
  readonly mode: string;
  readonly notes: string;
  readonly created_on: string;
  readonly configuration: { readonly target: string; readonly value: string };
}

type Answer = readonly [status: number, body: unknown];

/** The part of Cloudflare that the edge talks to, strict about path, token and headers; one zone, `zone-1`. */
export function createCloudflareFake() {
  const rules: StoredRule[] = [];
  let faults: Fault[] = [];
  const calls: string[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request);
    const url = new URL(request.url ?? "", "http://cloudflare");
    calls.push(request.method ?? "");
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
    rules,
    start: () => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
    baseUrl: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    fail(...next: Fault[]) {
      faults = next;
    },
    plant(mode: string, value: string) {
      rules.push({ id: "planted", mode, notes: "by hand", created_on: "2026-11-01T00:00:00Z", configuration: { target: "ip", value } });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse({ headers }: IncomingMessage, { pathname }: URL): Answer | null {
  const stray = Object.keys(headers).filter((name) => name.startsWith("x-"));
  if (stray.length > 0 || !pathname.startsWith(RULES)) return [404, failure(7_003, `Could not route to ${pathname} ${stray}`)];
  return headers.authorization === `Bearer ${TOKEN}` ? null : [403, failure(10_000, "Authentication error")];
}

function act(rules: StoredRule[], { method, url, body }: { method: string; url: URL; body: string }): Answer {
  if (method === "DELETE") return remove(rules, url.pathname.slice(RULES.length + 1));
  const id = url.pathname.slice(RULES.length + 1);
  if (method === "GET" && id) return get(rules, id);
  if (method === "GET") return list(rules, url.searchParams);
  const { mode, notes, configuration } = JSON.parse(body) as StoredRule;
  const value = expand(configuration.value);
  if (rules.some((rule) => rule.configuration.value === value)) {
    return [400, failure(10_009, "firewallaccessrules.api.duplicate_of_existing")];
  }
  const created_on = "2026-11-22T00:00:00Z";
  rules.push({ id: `rule-${rules.length + 1}`, mode, notes, created_on, configuration: { ...configuration, value } });
  return [200, success(rules.at(-1))];
}

function list(rules: readonly StoredRule[], query: URLSearchParams): Answer {
  const [target, value, page] = ["configuration.target", "configuration.value", "page"].map((name) => query.get(name));
  const found = rules.filter(({ configuration }) => configuration.target === target && configuration.value === value);
  return [200, success(Number(page ?? 1) > 1 ? [] : found)];
}

function get(rules: readonly StoredRule[], id: string): Answer {
  const rule = rules.find((candidate) => candidate.id === id);
  return rule ? [200, success(rule)] : [404, failure(10_001, "firewallaccessrules.api.not_found")];
}

function remove(rules: StoredRule[], id: string): Answer {
  const at = rules.findIndex((rule) => rule.id === id);
  if (at < 0) return [404, failure(10_001, "firewallaccessrules.api.not_found")];
  rules.splice(at, 1);
  return [200, success({ id })];
}

/** Cloudflare keeps IPv6 addresses with all their zeros. */
function expand(ip: string): string {
  if (!ipaddr.IPv6.isValid(ip)) return ip;
  return ipaddr.IPv6.parse(ip)
    .parts.map((part) => part.toString(16).padStart(4, "0"))
    .join(":");
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const success = (result: unknown) => ({ success: true, errors: [], messages: [], result });
const failure = (code: number, message: string) => ({ success: false, errors: [{ code, message }], messages: [], result: null });
