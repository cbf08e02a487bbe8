import { expect } from "vitest";
import { answerTo } from "../../core/carry-out.ts";
import type { Locale } from "../../core/locale.ts";
import { plain, type Reply, toPlainText } from "../../core/reply.ts";
import type { Ask, Outcome, Request, Role } from "../../core/request.ts";
import { createDeskParts, type TestDeskOptions } from "./test-desk.ts";

/** A desk in memory, and the people who talk to it. */
export type TestDesk = ReturnType<typeof createTestDesk>;

/** One who talks to the desk from a chat, and hears what is said there. */
export interface Persona {
  /** Types a line; hears the answer, and that of the worker when it works. */
  says(line: string): Promise<Outcome>;
  /** Presses a button under the last message that has it. */
  presses(label: string): Promise<Outcome>;
  /** Asks in any other way. */
  asks(ask: Ask): Promise<Outcome>;
  /** Asks over REST: no chat, no conversation; hears what comes back at once. */
  calls(command: string, input: unknown): Promise<Outcome>;
  /** The platform delivers the last request again. */
  repeats(): Promise<Outcome>;
  /** The last thing said fits. */
  hears(words: RegExp | string): void;
  /** Everything said, oldest first; buttons as `[label]`. */
  readonly heard: readonly string[];
}

/** Where and how somebody talks. */
export interface PersonaOptions {
  readonly locale?: Locale;
  readonly zone?: string;
  /** The chat; by default their own. */
  readonly chat?: string;
}

type Listener = (reply: Reply, spoken: { locale: Locale; zone: string }) => void;

/** Opens a desk. */
export function createTestDesk(options: TestDeskOptions = {}) {
  const parts = createDeskParts(options);
  const { clock, queue, deliveries } = parts;
  const listeners = new Map<string, Listener>();
  const workers = { on: true, failures: [] as unknown[] };
  let requests = 0;

  const speak = () => {
    for (const { reply_to, reply, locale, zone } of deliveries.say()) listeners.get(reply_to.address)?.(reply, { locale, zone });
  };
  /** Works on every job that is due, and says what is to be said. */
  const works = async () => {
    for (let id = workers.on ? queue.next() : undefined; id !== undefined; id = queue.next())
      await parts.work(id).catch((thrown: unknown) => void workers.failures.push(thrown));
    speak();
  };
  /** Time goes by, and what falls due meanwhile is done. */
  const passes = async (ms: number) => {
    const end = clock.ms() + ms;
    for (let due = queue.dueAt(); workers.on && due !== undefined && due <= end; due = queue.dueAt()) {
      clock.passes(Math.max(0, due - clock.ms()));
      await works();
    }
    clock.passes(Math.max(0, end - clock.ms()));
    await works();
  };
  const handle = async (request: Request): Promise<Outcome> => {
    const outcome = await parts.dispatch(request);
    const answer = outcome.kind === "queued" ? null : answerTo(request, null, { reply: outcome.reply, delay_ms: 0 });
    if (answer) await deliveries.insert(answer);
    await works();
    return outcome;
  };
  const person = (identity: string, role: Role | null, options: PersonaOptions = {}): Persona => {
    if (role !== null) parts.knownPeople.set(identity, role);
    return createPersona({ parts, listeners, handle, newId: () => `request-${++requests}` }, identity, options);
  };
  return { ...parts, person, works, passes, workers };
}

interface Surroundings {
  readonly parts: ReturnType<typeof createDeskParts>;
  readonly listeners: Map<string, Listener>;
  readonly handle: (request: Request) => Promise<Outcome>;
  readonly newId: () => string;
}

function createPersona({ parts, listeners, handle, newId }: Surroundings, identity: string, options: PersonaOptions): Persona {
  const { locale = "en", zone = "UTC", chat = identity } = options;
  const heard: string[] = [];
  const buttons: { label: string; ask: Ask }[] = [];
  let last: Request | null = null;

  const listen: Listener = (reply, spoken) => {
    const said = plain(reply, parts.texts, spoken.locale, spoken.zone);
    const shown = said.buttons ?? [];
    heard.push([toPlainText(said), ...shown.map(({ label }) => `[${label}]`)].join("\n"));
    buttons.push(
      ...shown.map(({ label, action }) => ({
        label,
        ask: action.kind === "say" ? ({ kind: "text", text: action.line } as const) : action,
      })),
    );
  };
  listeners.set(chat, listen);
  const send = async (request: Omit<Request, "person">): Promise<Outcome> => {
    last = { ...request, person: await parts.knownPeople.find(identity) };
    return handle(last);
  };
  const asks = (ask: Ask) =>
    send({ request_id: newId(), identity, reply_to: { platform: "test", address: chat }, conversation: chat, locale, zone, ask });
  return {
    heard,
    asks,
    says: (line) => asks({ kind: "text", text: line }),
    presses(label) {
      const button = buttons.findLast((candidate) => candidate.label === label);
      if (!button) throw new Error(`no button "${label}" was shown`);
      return asks(button.ask);
    },
    async calls(command, input) {
      const ask: Ask = { kind: "call", command, input };
      const outcome = await send({ request_id: newId(), identity, reply_to: null, conversation: null, locale, zone, ask });
      listen(outcome.reply, { locale, zone });
      return outcome;
    },
    repeats: () => {
      if (!last) throw new Error("nothing was asked yet");
      return send(last);
    },
    hears: (words) => expect(heard.at(-1) ?? "(nothing)").toMatch(words),
  };
}

/** The token of a question; an error where none was asked. */
export function tokenOf(outcome: Outcome): string {
  if (outcome.kind === "confirm") return outcome.token;
  throw new Error(`nothing was to be confirmed, but ${outcome.kind}`);
}

/** Why it failed; an error where it did not. */
export function codeOf(outcome: Outcome): string {
  if (outcome.kind === "failed") return outcome.error.code;
  throw new Error(`it did not fail, but ${outcome.kind}`);
}
