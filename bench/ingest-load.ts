import autocannon from "autocannon";

/** What a client sends, and how. */
export interface Load {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** The body of the next request. */
  body(): string;
}

/** What came back. */
export interface LoadResult {
  /** Requests that were answered with 200. */
  readonly accepted: number;
  readonly refused: number;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** Sends as fast as the answers come, over so many connections at once. */
export async function drive({ url, headers, connections, seconds, body }: Load): Promise<LoadResult> {
  const result = await autocannon({
    url: `${url}/api/collect`,
    method: "POST",
    headers: { ...headers },
    connections,
    duration: seconds,
    // Each request has its own body: an event is sent once.
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  });
  const { "2xx": accepted, non2xx, errors, latency, duration } = result;
  return { accepted, refused: non2xx + errors, per_second: accepted / duration, p50_ms: latency.p50, p99_ms: latency.p99 };
}
