import { type Program, startProgram } from "./process.ts";

/** A message of the bot as it stands now. */
export interface BotMessage {
  readonly message_id: number;
  readonly text: string;
  /** A picture, for which `text` is the caption. */
  readonly photo?: { readonly width: number; readonly height: number; readonly base64: string };
  readonly buttons?: readonly (readonly { readonly text: string; readonly callback_data?: string }[])[];
}

/** A call an emulator got. */
export interface EmulatorCall {
  readonly at: string;
  readonly method: string;
  readonly status: number;
  readonly chat_id?: number;
  readonly message_id?: number;
  /** What was switched on to go wrong with it: a status, or `drop`. */
  readonly fault?: string | number;
}

/** The platforms, emulated in a process of their own, and a person's hands on them. */
export interface Platforms {
  readonly program: Program;
  /** Settings with which Switchboard reaches them. */
  readonly env: Readonly<Record<string, string>>;
  /** Says something to the bot in a private chat. */
  say(person: number, text: string, language_code?: string): Promise<number>;
  press(person: number, message_id: number, data: string): Promise<void>;
  messages(chat: number): Promise<readonly BotMessage[]>;
  rules(): Promise<readonly { readonly id: string; readonly notes: string; readonly configuration: { readonly value: string } }[]>;
  /** Makes rules by hand, as in Cloudflare's own console. */
  makeRules(rules: readonly object[]): Promise<void>;
  fault(fault: Readonly<Record<string, unknown>>): Promise<void>;
  calls(emulator: string, method?: string): Promise<readonly EmulatorCall[]>;
}

/** Starts the emulators. @param env budgets, where others than the platforms' own are wanted */
export async function startPlatforms(data_dir: string, env: Readonly<Record<string, string>> = {}): Promise<Platforms> {
  const program = await startProgram("sandbox/main.js", { env, args: ["--port", "0", "--data-dir", data_dir] });
  const settings = Object.fromEntries(
    [...program.output().matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  const post = (path: string, body: unknown) => call(`${program.url}/sandbox${path}`, body);
  const get = (path: string) => call(`${program.url}/sandbox${path}`);
  return {
    program,
    env: { ...settings, SANDBOX: "0", ...env },
    async say(person, text, language_code = "en") {
      const from = { id: person, username: `p${person}`, language_code };
      return ((await post("/telegram/messages", { chat_id: person, from, text })) as { update_id: number }).update_id;
    },
    async press(person, message_id, data) {
      await post("/telegram/callbacks", { chat_id: person, message_id, data, from: { id: person, username: `p${person}` } });
    },
    messages: async (chat) => ((await get(`/telegram/messages?chat_id=${chat}`)) as { messages: BotMessage[] }).messages,
    rules: async () => ((await get("/cloudflare/rules")) as { rules: Awaited<ReturnType<Platforms["rules"]>> }).rules,
    async makeRules(rules) {
      await post("/cloudflare/rules", rules);
    },
    async fault(fault) {
      await post("/faults", fault);
    },
    async calls(emulator, method) {
      const query = method ? `&method=${method}` : "";
      const calls: EmulatorCall[] = [];
      for (let cursor: number | null = 0; cursor !== null; ) {
        const page = (await get(`/calls?emulator=${emulator}&limit=10000&cursor=${cursor}${query}`)) as CallPage;
        calls.push(...page.calls);
        cursor = page.next_cursor;
      }
      return calls;
    },
  };
}

interface CallPage {
  readonly calls: readonly EmulatorCall[];
  readonly next_cursor: number | null;
}

async function call(url: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  // What only looks may be asked again: an idle connection may be closed by the other side just when it is used.
  const response = await fetch(url, init).catch((thrown: unknown) => (body === undefined ? fetch(url, init) : Promise.reject(thrown)));
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
