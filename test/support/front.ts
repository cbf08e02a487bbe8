import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A web server in front of Switchboard's processes, as the world outside reaches them. */
export interface Front {
  /** For `PUBLIC_URL`. */
  readonly url: string;
  /** Where calls go from now on, in turn; to nobody: they are answered 502. */
  sendTo(urls: readonly string[]): void;
  /** The last call that was made, to be made again. */
  last(): { readonly path: string; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } | undefined;
  /** How often each of them was called. */
  calls(): ReadonlyMap<string, number>;
}

/** Starts one for the test that calls it. */
export async function startFront(): Promise<Front> {
  let targets: readonly string[] = [];
  let turn = 0;
  let last: ReturnType<Front["last"]>;
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const {
        host: _host,
        connection: _connection,
        "content-length": _length,
        "transfer-encoding": _coding,
        ...headers
      } = request.headers as Record<string, string>;
      const target = targets[turn++ % targets.length];
      last = { path: request.url ?? "/", headers, body: Buffer.concat(parts) };
      if (target === undefined) return void response.writeHead(502).end();
      counts.set(target, (counts.get(target) ?? 0) + 1);
      fetch(`${target}${last.path}`, { method: request.method ?? "GET", headers, body: last.body }).then(
        async (answer) => response.writeHead(answer.status).end(await answer.text()),
        () => response.writeHead(502).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sendTo(urls) {
      targets = urls;
    },
    last: () => last,
    calls: () => counts,
  };
}
