import { until } from "./process.ts";
import { PROOF_KEY } from "./world.ts";

/** Asking Switchboard over REST, at any of the processes that serve it. */
export type Api = (
  method: "GET" | "POST",
  path: string,
  options?: { readonly body?: unknown; readonly idempotency_key?: string },
) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;

const CALL_TIMEOUT_MS = 10_000;

/** Makes the client: it goes from one process to the next with each call, as one behind a load balancer does. */
export function createApi(urls: readonly string[], key: string = PROOF_KEY): Api {
  let turn = 0;
  return async (method, to, { body, idempotency_key } = {}) => {
    const url = urls[turn++ % urls.length];
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(idempotency_key !== undefined && { "idempotency-key": idempotency_key }),
    };
    const init = {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    };
    const response = await fetch(`${url}${to}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

/** Asks again and again until it is accepted, as a client does that was cut off or told to come back later. @returns the run's id */
export async function accepted(api: Api, path: string, options: Parameters<Api>[2], patience_ms: number): Promise<string> {
  return until(
    `${path} is accepted`,
    async () => {
      const { status, body } = await api("POST", path, options);
      return status === 202 && String(body["run_id"]);
    },
    patience_ms,
  );
}

/** Carries out a queued command and waits for its end. @returns the run's output */
export async function outputOf(api: Api, slug: string, input: unknown, patience_ms: number): Promise<Record<string, unknown>> {
  const run_id = await accepted(api, `/api/v1/commands/${slug}`, { body: input }, patience_ms);
  return until(
    `${slug} has ended`,
    async () => {
      const { body } = await api("GET", `/api/v1/runs/${run_id}`);
      if (body["status"] !== "succeeded" && body["finished_at"] !== null) throw new Error(`${slug} ended as ${body["status"]}`);
      return body["finished_at"] !== null && (body["output"] as Record<string, unknown>);
    },
    patience_ms,
  );
}
