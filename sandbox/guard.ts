import type { FastifyRequest } from "fastify";
import { Problem } from "./problem.ts";

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
const LOOPBACK_PEER = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;
const FOREIGN_SITES = new Set(["cross-site", "same-site"]);

/**
 * Throws a 403 unless the request comes from this machine and from no web page of another origin: the sandbox has no keys,
 * so a page elsewhere must not drive it, neither directly nor by a name that it makes resolve to 127.0.0.1.
 */
export async function refuseStrangers(request: FastifyRequest): Promise<void> {
  const { host = "", origin, "sec-fetch-site": site } = request.headers;
  if (!LOOPBACK_PEER.test(request.socket.remoteAddress ?? "127.0.0.1"))
    throw new Problem(403, "forbidden", "the sandbox answers this machine only");
  if (!LOCAL_HOST.test(host)) throw new Problem(403, "forbidden", "the Host must be localhost, 127.0.0.1 or [::1]");
  if (origin !== undefined && origin !== `http://${host}`)
    throw new Problem(403, "forbidden", "a page of another origin may not use the sandbox");
  if (typeof site === "string" && FOREIGN_SITES.has(site))
    throw new Problem(403, "forbidden", "a page of another site may not use the sandbox");
}
