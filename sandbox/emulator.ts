import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Fault, Faults } from "./faults.ts";
import type { Log, LogEntry } from "./log.ts";

/** What an emulator answers, before it is put on the wire. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One emulated platform: its API, its person's side, and what it remembers. One more platform is one more folder that makes one of these. */
export interface Emulator {
  /** The target of faults, the name of the log, the segment under /sandbox. */
  readonly name: string;
  /** Path under which the API is served, "" for the root; a client's base URL is the server's URL plus this. */
  readonly base_path: string;
  /** The settings that point Switchboard here, by variable; `base_url` is filled in. */
  environment(baseUrl: string): Readonly<Record<string, string>>;
  /** Adds the platform's API, below `base_path`. */
  readonly api: FastifyPluginAsync;
  /** Adds the person's side, below /sandbox/NAME. */
  readonly person: FastifyPluginAsync;
  readonly log: Log;
  /** A logged call as `GET /sandbox/calls` shows it. */
  callView(entry: LogEntry): LogEntry;
  /** Ends requests that are held; the log is closed after the server. */
  close(): void;
}

/** What every emulator gets. */
export interface EmulatorDeps {
  readonly log: Log;
  readonly faults: Faults;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** A clock for rate limits that never runs backwards, in milliseconds. */
  ticks(): number;
}

/** The steps of one call, of which the platform says how a fault looks and what acting means. */
export interface Steps {
  readonly fault: Fault | undefined;
  /** The answer that stands for a fault with a status. It is logged like any other. */
  refuse(fault: Fault & { status: number }): Answer;
  act(): Promise<Answer> | Answer;
}

/** Carries a call out with its fault: waits, refuses instead of acting, or acts and then cuts the connection. */
export async function carryOut(request: FastifyRequest, reply: FastifyReply, { fault, refuse, act }: Steps): Promise<FastifyReply> {
  if (fault?.delay_ms) await sleep(fault.delay_ms);
  const answer = fault?.status === undefined ? await act() : refuse({ ...fault, status: fault.status });
  if (fault?.drop) {
    reply.hijack();
    // The request itself has been read: destroying it would leave the connection standing.
    request.raw.socket.destroy();
    return reply;
  }
  return reply
    .code(answer.status)
    .headers(answer.headers ?? {})
    .send(answer.body);
}
