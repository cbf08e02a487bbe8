/** A client of the event collector that batches and retries: copy it. It needs nothing but Node (or any runtime with fetch). */
export type Event = { event_id: string; event: string; user_id: string } & Record<string, unknown>;
type Answer = { results?: { is_success: string; error?: string }[]; detail?: string };
type Options = { url: string; key?: string | undefined; onRefused(event: Event, why: string): void; onWaiting(): void };

export function createClient({ url, key, onRefused, onWaiting }: Options) {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  const waiting: Event[] = [];
  let sending = Promise.resolve();

  /** Sends the same until there is an answer that will not be another next time. That is safe: each event keeps its event_id. */
  async function ask(body: string, attempt = 0): Promise<{ status: number; answer: Answer }> {
    const got = await fetch(`${url}/api/collect`, { method: "POST", headers, body, signal: AbortSignal.timeout(30_000) }).catch(() => null);
    const answer = (await got?.json().catch(() => null)) as Answer | null | undefined;
    if (got && got.status < 500 && got.status !== 429 && (answer || !got.ok)) return { status: got.status, answer: answer ?? {} };
    if (attempt === 3) onWaiting();
    // As long as it was told, and by chance a little more, so that not all who wait come at once.
    const wait_ms = (Number(got?.headers.get("retry-after")) || 0) * 1_000 + Math.random() * Math.min(30_000, 100 * 2 ** attempt);
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    return ask(body, attempt + 1);
  }
  async function post(events: Event[]): Promise<void> {
    const { status, answer } = await ask(JSON.stringify(events));
    const half = Math.ceil(events.length / 2);
    if (status === 413 && half < events.length) return post(events.slice(0, half)).then(() => post(events.slice(half)));
    // A wrong key or address: nothing was taken, and nothing would be.
    if (![200, 413, 422].includes(status)) throw new Error(`${url} answered ${status}: ${answer.detail}`);
    const isTaken = (at: number) => answer.results?.[at]?.is_success === "true";
    for (const [at, event] of events.entries()) if (!isTaken(at)) onRefused(event, String(answer.results?.[at]?.error ?? answer.detail));
  }
  /** Sends what waits, up to 500 at a time and one list after the other, so that the order stays. */
  async function all(): Promise<void> {
    while (waiting.length > 0) {
      const events = waiting.slice(0, 500);
      await post(events);
      waiting.splice(0, events.length);
    }
  }
  return { add: (event: Event) => waiting.push(event), flush: () => (sending = sending.catch(() => undefined).then(all)) };
}
