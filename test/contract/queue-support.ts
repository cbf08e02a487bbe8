import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Connection, SocketConnection } from "../../clients/postgres/pool.ts";
import type { Logger } from "../../core/ports.ts";

/** A cable to a PostgreSQL that a test can cut, block and mend. */
export interface Cable {
  /** The same database, through the cable. */
  readonly connection: SocketConnection;
  /** Breaks every connection and takes no new one. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Lets nothing through any more, with the connections left standing. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Lays a cable (a proxy on a unix socket) to a server on a unix socket. */
export async function layCable(target: Connection): Promise<Cable> {
  if (typeof target === "string") throw new Error("the cable goes to a server on a unix socket");
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-cable-"));
  await chmod(folder, 0o700);
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(path.join(target.host, `.s.PGSQL.${target.port}`));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      if (!frozen) socket.pipe(other);
    }
  });
  const mend = async () => {
    server.listen(path.join(folder, ".s.PGSQL.5432"));
    await once(server, "listening");
  };
  const cut = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await mend();
  return {
    connection: { ...target, host: folder, port: 5432 },
    cut,
    mend,
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw: () => {
      frozen = false;
      // What was sent meanwhile is lost, as after a real stall, so the connections are of no more use.
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      await cut();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A log that is kept, for tests that say what an operator would see. */
export interface KeptLog extends Logger {
  readonly lines: { readonly level: "info" | "warn" | "error"; readonly message: string }[];
}

/** Keeps what is said, but for debug. */
export function keepLog(): KeptLog {
  const lines: KeptLog["lines"] = [];
  const keep = (level: "info" | "warn" | "error") => (_: object, message: string) => void lines.push({ level, message });
  return { lines, debug: () => undefined, info: keep("info"), warn: keep("warn"), error: keep("error") };
}
