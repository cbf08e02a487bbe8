import { type Api, outputOf } from "./api.ts";
import type { Asked, Scene } from "./block-list.ts";
import type { EmulatorCall, Platforms } from "./sandbox.ts";

/** What an outsider sees after one half of the work. */
export interface PhaseEvidence {
  readonly verb: "block" | "release";
  /** Every asker has an answer and every acknowledged run has ended. */
  readonly complete: boolean;
  readonly asked: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly unknown: number;
  /** Different runs that were acknowledged: one for each request by REST. */
  readonly runs: number;
  readonly answered_in_chat: number;
  /** Addresses with exactly one rule at Cloudflare. */
  readonly one_rule: number;
  readonly rules: number;
  /** Live blocks of the ledger, and those that differ from Cloudflare's rules. */
  readonly ledger: number;
  readonly drift: number;
  readonly foreign: number;
  /** Runs and answers that contradict Cloudflare's rules. */
  readonly untruthful: number;
  /** New messages beyond one for each request, and those of them that a kill explains. */
  readonly copies: number;
  readonly explained_copies: number;
}

/** What an outsider sees at the end. */
export type Verdict = Readonly<Record<string, number | boolean>> & { readonly holds: boolean };

/** Between Telegram's acceptance and our row lies one statement; under load it takes this long at most, in milliseconds. */
const WINDOW_MS = 2_000;
const ENDED = ["succeeded", "failed", "unknown"];
const PATIENCE_MS = 120_000;
/** What an answer says of an address, once it does not say that it still runs. */
const DONE = { block: ["is blocked", "was blocked already"], release: ["is released"] };

/** Compares what was asked for with Cloudflare's rules, the ledger, the runs and the chats. */
export async function judge(asked: Asked, { platforms, api }: Scene): Promise<PhaseEvidence> {
  const { verb, chats, acknowledged } = asked;
  const rules = new Map<string, number>();
  for (const rule of await platforms.rules()) rules.set(rule.configuration.value, (rules.get(rule.configuration.value) ?? 0) + 1);
  const all = [...chats.values()].flat();
  const heard = await answered(asked, platforms);
  const statuses = await statusesOf(acknowledged, api);
  const ended = [...statuses.values()].filter((status) => ENDED.includes(status));
  const isTrue = (ip: string) => (verb === "block" ? rules.get(ip) === 1 : !rules.has(ip));
  const succeeded = [...statuses].filter(([, status]) => status === "succeeded").map(([ip]) => ip);
  const list = await outputOf(api, "cf_list", { kind: "all", csv: true }, PATIENCE_MS);
  const count = (wanted: string) => ended.filter((status) => status === wanted).length;
  return {
    verb,
    complete: ended.length === acknowledged.size && heard.size === all.length,
    asked: all.length,
    ...{ succeeded: count("succeeded"), failed: count("failed"), unknown: count("unknown"), runs: new Set(acknowledged.values()).size },
    answered_in_chat: heard.size,
    one_rule: all.filter((ip) => rules.get(ip) === 1).length,
    rules: rules.size,
    ...{ ledger: Number(list["ours"]), drift: Number(list["drift"]), foreign: Number(list["foreign"]) },
    untruthful: [...succeeded, ...heard].filter((ip) => !isTrue(ip)).length,
    ...(await copiesIn(asked, platforms)),
  };
}

async function statusesOf(acknowledged: ReadonlyMap<string, string>, api: Api): Promise<ReadonlyMap<string, string>> {
  const statuses = new Map<string, string>();
  for (const [ip, run_id] of acknowledged) statuses.set(ip, String((await api("GET", `/api/v1/runs/${run_id}`)).body["status"]));
  return statuses;
}

/** The addresses whose answer stands in the chat where it was to come. */
export async function answered({ verb, chats }: Asked, platforms: Platforms): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const [chat, ips] of chats) {
    const texts = (await platforms.messages(chat)).map(({ text }) => text);
    for (const ip of ips) if (texts.some((text) => DONE[verb].some((words) => text.includes(`${ip} ${words}`)))) found.add(ip);
  }
  return found;
}

/** Of each address without its answer, what was said of it instead, and the chat's messages that name no address. */
export async function missing(asked: Asked, platforms: Platforms): Promise<readonly string[]> {
  const heard = await answered(asked, platforms);
  const lines: string[] = [];
  for (const [chat, ips] of asked.chats) {
    const missed = ips.filter((ip) => !heard.has(ip));
    if (missed.length === 0) continue;
    const texts = (await platforms.messages(chat)).map(({ text }) => text);
    const others = texts.filter((text) => !ips.some((ip) => text.includes(ip)));
    for (const ip of missed)
      lines.push(`no answer for ${ip} in chat ${chat}; of it was said ${JSON.stringify(texts.filter((text) => text.includes(ip)))}`);
    lines.push(`chat ${chat} was told besides: ${JSON.stringify([...new Set(others)])}`);
  }
  return lines;
}

/** New messages beyond one for each request, and how many of them a kill explains: one that was accepted just before it. */
async function copiesIn({ verb, chats, killed_at }: Asked, platforms: Platforms) {
  let copies = 0;
  let explained_copies = 0;
  const sent = (await platforms.calls("telegram", "sendMessage")).filter((call) => call.status === 200);
  for (const [chat, ips] of chats) {
    const texts = new Map((await platforms.messages(chat)).map(({ message_id, text }) => [message_id, text]));
    const here = sent.filter((call) => call.chat_id === chat);
    for (const ip of ips) {
      const about = here.filter((call) => DONE[verb].some((words) => texts.get(call.message_id ?? 0)?.includes(`${ip} ${words}`)));
      copies += Math.max(0, about.length - 1);
      if (about.length > 1 && about.some((call) => killed_at.some((at) => acceptedJustBefore(call, at))))
        explained_copies += about.length - 1;
    }
  }
  return { copies, explained_copies };
}

function acceptedJustBefore(call: EmulatorCall, killed: number): boolean {
  const before = killed - Date.parse(call.at);
  return before > -100 && before < WINDOW_MS;
}

/** Whether all of it holds. */
export async function verdictOf(platforms: Platforms, phases: readonly PhaseEvidence[], kills: number): Promise<Verdict> {
  const cloudflare = await platforms.calls("cloudflare");
  const telegram = await platforms.calls("telegram");
  const holds = phases.every((phase) => {
    const wanted = phase.verb === "block" ? phase.asked : 0;
    const agrees = phase.one_rule === wanted && phase.rules === wanted && phase.ledger === wanted && phase.drift + phase.foreign === 0;
    return (
      phase.complete && agrees && phase.untruthful === 0 && phase.copies === phase.explained_copies && phase.failed + phase.unknown === 0
    );
  });
  const told = phases.flatMap(({ verb, ...phase }) => Object.entries(phase).map(([name, value]) => [`${verb}_${name}`, value] as const));
  return {
    ...Object.fromEntries(told),
    kills,
    cloudflare_calls: cloudflare.length,
    cloudflare_failures: cloudflare.filter(({ fault }) => fault !== undefined).length,
    telegram_calls: telegram.length,
    telegram_breaches: telegram.filter(({ status }) => status === 429).length,
    holds,
  };
}
