import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { FastifyRequest, onRequestHookHandler } from "fastify";
import { isLoopback } from "../core/config-fields.ts";
import { OpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";
import { includesRole, maySendEvents, type Role } from "../core/request.ts";
import type { Caller, HttpDeps } from "./deps.ts";
import { rememberKeys } from "./known-keys.ts";

/** Finds out who asks. */
export interface Auth {
  /**
   * A hook that lets nobody below a role through. It runs before the body is read.
   * @param options.remembered a key that was good lately is good while the database is away (http/known-keys.ts)
   */
  require(role: Role, options?: { readonly remembered?: boolean }): (request: FastifyRequest) => Promise<void>;
  /** The same for those who may send events: keys of role `ingest`, and from operator on. Their keys are believed for a second (here and in http/known-keys.ts). */
  requireCollector(): onRequestHookHandler;
  /** Who a request that went through `require` acts as. */
  callerOf(request: FastifyRequest): Caller;
  /**
   * Who a request acts as, by its key or as the sandbox's own admin.
   * @throws OpsError `unauthenticated`, or `forbidden` for a web page elsewhere that drives a keyless server
   */
  identify(request: FastifyRequest): Promise<Caller>;
  /** Whether a request came over a loopback address, from no foreign web page. */
  isLocal(request: FastifyRequest): boolean;
}

type AuthDeps = Pick<HttpDeps, "findKey" | "localPerson" | "sandbox" | "host" | "ephemeral" | "log">;

/** Wrong keys that an address may show in a minute. */
const WRONG_KEYS = 20;
const MINUTE_MS = 60_000;

/** So long the key that a connection showed last is not even looked up, in milliseconds. */
const SEEN_MS = 500;

/** Makes the one place that decides who asks (contract, "Who may do what"). */
export function createAuth(deps: AuthDeps): Auth {
  const callers = new WeakMap<FastifyRequest, Caller>();
  const identify = (request: FastifyRequest) => identifyBy(deps, request);
  /** Who showed which key last, by connection. */
  const seen = new WeakMap<Socket, { readonly authorization: string; readonly caller: Caller; readonly at: number }>();
  const remembering = { ...deps, findKey: rememberKeys(deps.findKey) };
  return {
    require:
      (role, { remembered = false } = {}) =>
      async (request) => {
        const caller = await identifyBy(remembered ? remembering : deps, request);
        if (!includesRole(caller.person.role, role)) throw belowRole(caller, role);
        callers.set(request, caller);
      },
    requireCollector: () => (request, _reply, done) => {
      const let_in = (caller: Caller) => {
        callers.set(request, caller);
        done();
      };
      const before = seen.get(request.socket);
      const { authorization } = request.headers;
      if (before && before.authorization === authorization && performance.now() - before.at < SEEN_MS) return let_in(before.caller);
      identifyBy(remembering, request).then((caller) => {
        if (!maySendEvents(caller.person.role)) return done(belowRole(caller, "operator"));
        if (authorization !== undefined) seen.set(request.socket, { authorization, caller, at: performance.now() });
        let_in(caller);
      }, done);
    },
    callerOf(request) {
      const caller = callers.get(request);
      if (!caller) throw new OpsError("unauthenticated", "the route asks for no role");
      return caller;
    },
    identify,
    isLocal: (request) => isOnLoopback(deps, request) && isFromHere(request.headers),
  };
}

async function identifyBy(deps: AuthDeps, request: FastifyRequest): Promise<Caller> {
  const { authorization } = request.headers;
  // A wrong key never falls back to the local admin: whoever sends one means to be somebody.
  if (authorization !== undefined) return byKey(deps, request, authorization);
  if (!deps.sandbox || !isOnLoopback(deps, request)) {
    throw new OpsError("unauthenticated", "no key", { text: text("http.key_needed") });
  }
  if (isFromHere(request.headers)) return { identity: "local", person: deps.localPerson };
  throw new OpsError("forbidden", "a foreign page or host name", { text: text("http.foreign_page") });
}

async function byKey(deps: AuthDeps, request: FastifyRequest, authorization: string): Promise<Caller> {
  const key = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  const caller = key === undefined ? null : await deps.findKey(key);
  if (caller) return caller;
  if (key !== undefined) await limitGuesses(deps, request);
  throw new OpsError("unauthenticated", "unknown key", { text: text("http.key_wrong") });
}

/**
 * Counts a wrong key against the address it came from. A right key is looked up before, and never counted, whoever shares the address.
 * @throws OpsError `rate_limited` past 20 in the minute that began with the first
 */
async function limitGuesses(deps: AuthDeps, request: FastifyRequest): Promise<void> {
  const address = request.socket.remoteAddress ?? "unknown";
  // Without the counter a wrong key is still a wrong key.
  const counted = await deps.ephemeral.count(`wrong-keys:${address}`, MINUTE_MS).catch(() => null);
  if (counted === null || counted.count <= WRONG_KEYS) return;
  const { count, resets_in_ms } = counted;
  if (count === WRONG_KEYS + 1) deps.log.warn({ address }, "an address shows many wrong keys; it is held back for a minute");
  const seconds = Math.ceil(resets_in_ms / 1_000);
  throw new OpsError("rate_limited", `${count} wrong keys in a minute`, {
    text: text("http.too_many_wrong_keys", { limit: WRONG_KEYS, seconds }),
    retry_after_ms: resets_in_ms,
  });
}

function belowRole({ identity, person }: Caller, role: Role): OpsError {
  const key = person.role === "ingest" ? "http.ingest_only" : "http.role_needed";
  return new OpsError("forbidden", `${identity} is not ${role}`, { text: text(key, { role }) });
}

function isOnLoopback({ host }: AuthDeps, request: FastifyRequest): boolean {
  return isLoopback(host) && isLoopback(request.socket.remoteAddress ?? "");
}

/**
 * Whether no web page elsewhere is behind a request: browsers name the page's origin, and a name that was rebound to this machine stays in `Host`.
 * Another port of this machine is `same-site`, and foreign too.
 */
function isFromHere(headers: IncomingHttpHeaders): boolean {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host)) return false;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) return false;
  return site === undefined || site === "same-origin" || site === "none";
}
