import { z } from "zod";
import { loadDocs } from "../../bin/app/http.ts";
import { defineCommand } from "../../core/command.ts";
import { PERSON_LIMITS } from "../../core/config-people.ts";
import { createDispatch } from "../../core/dispatch.ts";
import { OpsError } from "../../core/errors.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { createRegistry, type Registry } from "../../core/registry.ts";
import { raw, type TextParam, type Texts, text } from "../../core/reply.ts";
import type { Person, Role } from "../../core/request.ts";
import type { NewDelivery, NewRun, RunEnd } from "../../core/run.ts";
import type { HttpDeps } from "../../http/deps.ts";
import { createDirectory } from "../../http/directory.ts";
import { createRunAcceptor } from "../../jobs/acceptor.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryDeliveries } from "../support/memory-deliveries.ts";
import { createMemoryEphemeral } from "../support/memory-ephemeral.ts";
import { createMemoryEvents } from "../support/memory-events.ts";
import { createMemoryIdempotency } from "../support/memory-idempotency.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { createMemoryRuns } from "../support/memory-runs.ts";

const inEach = <T>(value: T) => ({ en: value, ko: value, ru: value });

const repeat = defineCommand({
  name: "say again",
  aliases: ["again"],
  summary: { en: "Repeats words", ko: "말을 반복합니다", ru: "Повторяет слова" },
  phrases: inEach([]),
  examples: inEach(["say again hello --times 2"]),
  input: z.object({ words: z.string().max(200), times: z.number().int().min(1).max(9).default(1) }),
  output: z.object({ said: z.string() }),
  positional: ["words"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 1_000 },
  handle: async ({ words, times }) => {
    if (words === "boom") throw new Error("postgres://app:hunter2@db is gone");
    if (words === "busy") throw new OpsError("rate_limited", "busy", { retry_after_ms: 1_200 });
    if (words === "away") throw new OpsError("upstream_unavailable", "away");
    return { said: Array(times).fill(words).join(" ") };
  },
  present: ({ said }) => ({ tone: "ok", title: raw(said) }),
});

const lamp = defineCommand({
  name: "lamp on",
  aliases: ["lamp"],
  summary: inEach("Lights a lamp"),
  phrases: inEach([]),
  examples: inEach(["lamp on hall"]),
  input: z.object({ room: z.string().min(1) }),
  output: z.object({ room: z.string() }),
  positional: ["room"],
  role: "operator",
  effect: (input) => (input.room === "cellar" ? "dangerous" : "write"),
  execution: { mode: "queued", timeout_ms: 1_000, attempts: 1 },
  handle: async ({ room }) => ({ room }),
  present: ({ room }) => ({ tone: "ok", title: text("lamp.lit", { room }), fields: [{ label: raw("room"), value: raw(room) }] }),
  undo: ({ room }) => `lamp off ${room}`,
});

/** Texts that show their language, key and params: `ko:lamp.lit room=hall`. */
export const shownTexts: Texts = {
  say: (words, locale, zone) => {
    if ("raw" in words) return words.raw;
    if ("per_locale" in words) return words.per_locale[locale];
    const show = (value: TextParam) => {
      if (typeof value !== "object") return value;
      if ("at" in value) return value.at;
      return "amount" in value ? value.amount : shownTexts.say(value, locale, zone);
    };
    const params = Object.entries(words.params ?? {}).map(([name, value]) => ` ${name}=${show(value)}`);
    return `${locale}:${words.key}${params.join("")}`;
  },
  has: () => true,
};

/** A registry of two commands: `say again` answers at once, `lamp on` is queued, and dangerous in the cellar. */
export const smallRegistry = (): Registry => createRegistry([repeat, lamp], shownTexts);

/** Runs in memory, a second apart; nobody works on them, the test ends them. */
function createRuns() {
  const clock = createTestClock(Date.UTC(2026, 10, 22));
  const deliveries = createMemoryDeliveries(clock);
  const runs = createMemoryRuns(clock, deliveries);
  const nothing = async () => {};
  const acceptor = createRunAcceptor({
    ...{ runs, enqueueRuns: nothing, enqueueDeliveries: nothing },
    log: createMemoryLog(),
    stopping: new AbortController().signal,
  });
  return {
    clock,
    deliveries,
    reader: runs,
    acceptor: {
      ...acceptor,
      accept: async (run: NewRun, delivery: NewDelivery | null, open_max = 50) => {
        const stored = await acceptor.accept(run, delivery, open_max);
        clock.passes(1_000);
        return stored;
      },
    },
    end: async (run_id: string, result: Omit<RunEnd, "reply">) => {
      const claim = await runs.claim(run_id);
      if (claim) await runs.finish(claim, { ...result, reply: { tone: "ok", title: raw("") } });
    },
  };
}

/** A person with this role. */
const personOf = (name: string, role: Role | null): Person => ({ person_id: `p-${name}`, name, role, locale: null, zone: null });

/** Keys are `key-of-NAME`; these are the people who hold one. */
const HOLDERS: Readonly<Record<string, Role | null>> = { ann: "admin", olga: "operator", vera: "viewer", ivy: "ingest", rex: null };

/** Everything the HTTP server needs, working in memory, and what a test looks at afterwards. */
export function createDesk(overrides: Partial<HttpDeps> = {}) {
  const registry = smallRegistry();
  const runs = createRuns();
  const log = createMemoryLog();
  const said: NewDelivery[] = [];
  let ids = 0;
  const memory = createMemoryEvents(runs.clock);
  const newId = () => `id-${++ids}`;
  const ephemeral = createMemoryEphemeral(runs.clock);
  const dispatch = createDispatch({
    registry,
    // The two commands use none of the ports; dispatch itself reads runs.
    ports: { runs: runs.reader } as Partial<CommandPorts> as CommandPorts,
    ephemeral,
    runs: runs.acceptor,
    limits: PERSON_LIMITS,
    newToken: () => `token-${++ids}`,
    stopping: new AbortController().signal,
    audit: { append: async () => {} },
    log,
  });
  const deps: HttpDeps = {
    dispatch,
    runs: runs.reader,
    events: { ...memory.events, collect: memory.collect, retention_days: null },
    directory: createDirectory(registry),
    idempotency: createMemoryIdempotency(runs.clock),
    ephemeral,
    deliver: async (delivery) => void said.push(delivery),
    dialects: [],
    docs: loadDocs(),
    texts: shownTexts,
    health: { check: async () => [{ part: "database", state: "ok" }] },
    findKey: async (presented) => {
      const name = /^key-of-(\w+)$/.exec(presented)?.[1] ?? "";
      return Object.hasOwn(HOLDERS, name) ? { identity: `key:${name}`, person: personOf(name, HOLDERS[name] ?? null) } : null;
    },
    localPerson: personOf("local", "admin"),
    webhooks: {},
    metrics: async () => "runs_total 0\n",
    newId,
    sandbox: true,
    host: "127.0.0.1",
    locale: "en",
    zone: "UTC",
    log,
    ...overrides,
  };
  return { deps, runs, log, registry, said, memory };
}

/** The header of somebody's key. */
export const bearer = (name: string) => ({ authorization: `Bearer key-of-${name}` });
