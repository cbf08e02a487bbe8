import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { Emulator } from "./emulator.ts";
import { type Faults, faultSchema } from "./faults.ts";
import { refuseStrangers } from "./guard.ts";
import { answerProblem, check, invalid, Problem } from "./problem.ts";

/** What the person's side works on: one sandbox of this process. */
export interface SandboxState {
  readonly emulators: readonly Emulator[];
  readonly faults: Faults;
  /** Where the emulators are served, without a slash at the end. */
  url(): string;
}

const callsSchema = z.strictObject({
  emulator: z.string(),
  method: z.string().optional(),
  chat_id: z.coerce.number().int().optional(),
  cursor: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

function findEmulator({ emulators }: SandboxState, name: string, path: string): Emulator {
  const emulator = emulators.find((one) => one.name === name);
  if (!emulator) throw invalid(path, `must be one of ${emulators.map((one) => one.name).join(", ")}`);
  return emulator;
}

function describe(state: SandboxState): unknown {
  const emulators = state.emulators.map((emulator) => {
    const base_url = `${state.url()}${emulator.base_path}`;
    return { name: emulator.name, base_url, environment: emulator.environment(base_url) };
  });
  return { emulators, faults: state.faults.list() };
}

/** One page of the calls an emulator got, accepted or refused, oldest first. */
function listCalls(state: SandboxState, query: unknown): unknown {
  const { emulator: name, method, chat_id, cursor, limit } = check(callsSchema, query);
  const emulator = findEmulator(state, name, "emulator");
  const keep = (entry: Readonly<Record<string, unknown>>) =>
    entry["kind"] === "call" &&
    (method === undefined || entry["method"] === method) &&
    (chat_id === undefined || entry["chat_id"] === chat_id);
  const { entries, next_cursor } = emulator.log.page({ cursor, limit, keep });
  return { calls: entries.map(emulator.callView), next_cursor };
}

function setFault(state: SandboxState, body: unknown): unknown {
  const fault = check(faultSchema, body);
  findEmulator(state, fault.target, "target");
  state.faults.set(fault);
  return { faults: state.faults.list() };
}

/** The person's side of all emulators, as a plugin to be registered with the prefix /sandbox: on the sandbox's own server, and on Switchboard's. */
export function sandboxRoutes(state: SandboxState): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    app.setErrorHandler(answerProblem);
    app.setNotFoundHandler(() => {
      throw new Problem(404, "not_found", "the sandbox has no such route");
    });
    app.addHook("onRequest", refuseStrangers);
    app.get("/", async () => describe(state));
    app.get("/calls", async ({ query }) => listCalls(state, query));
    app.get("/faults", async () => ({ faults: state.faults.list() }));
    app.post("/faults", async ({ body }, reply) => reply.code(201).send(setFault(state, body)));
    for (const emulator of state.emulators) app.register(emulator.person, { prefix: `/${emulator.name}` });
  };
}
