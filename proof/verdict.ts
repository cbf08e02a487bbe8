import type { Evidence } from "./block-list.ts";
import type { EmulatorCall } from "./sandbox.ts";

/** What an outsider sees at the end. */
export interface Verdict {
  /** Every asker has an answer and every acknowledged run has ended. */
  readonly complete: boolean;
  readonly addresses: number;
  /** Addresses with exactly one rule. */
  readonly one_rule: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly unknown: number;
  /** Runs whose end contradicts Cloudflare's rules. */
  readonly untruthful: number;
  readonly answered_in_chat: number;
  readonly asked_in_chat: number;
  /** Second copies of an answer. */
  readonly copies: number;
  /** Of these, those whose first copy was accepted in the moment before a kill. */
  readonly explained_copies: number;
  readonly kills: number;
  readonly cloudflare_calls: number;
  /** Calls that failed because we wanted them to: as a 500, as a 429, or cut after they were carried out. */
  readonly cloudflare_failures: number;
  readonly telegram_breaches: number;
  /** Whether all of it holds. */
  readonly holds: boolean;
}

/** Between Telegram's acceptance and our row lies one statement; under load it takes this long at most, in milliseconds. */
const WINDOW_MS = 2_000;
const ENDED = ["succeeded", "failed", "unknown"];

/** Compares what was asked for with Cloudflare's rules, the runs and the chats. */
export async function judge(evidence: Evidence): Promise<Verdict> {
  const { platforms, chats, acknowledged, killedAt } = evidence;
  const rules = new Map<string, number>();
  for (const rule of await platforms.rules()) rules.set(rule.configuration.value, (rules.get(rule.configuration.value) ?? 0) + 1);
  const runs = await runsOf(evidence);
  const said = await chatAnswers(evidence, rules);
  const asked = [...chats.values()].flat();
  const addresses = [...asked, ...acknowledged.keys()];
  const copies = await copiesIn(evidence);
  const cloudflare = await platforms.calls("cloudflare");
  const ended = runs.filter(({ status }) => ENDED.includes(status));
  const untruthful = ended.filter(
    ({ ip, status }) => (status === "succeeded" && !rules.has(ip)) || (status === "failed" && rules.has(ip)),
  ).length;
  const verdict = {
    complete: said.answered === asked.length && ended.length === acknowledged.size,
    addresses: addresses.length,
    one_rule: addresses.filter((ip) => rules.get(ip) === 1).length,
    ...countEnds(ended),
    untruthful: untruthful + said.untruthful,
    answered_in_chat: said.answered,
    asked_in_chat: asked.length,
    copies: copies.all,
    explained_copies: copies.explained,
    kills: killedAt.length,
    cloudflare_calls: cloudflare.length,
    cloudflare_failures: cloudflare.filter(({ fault }) => fault !== undefined).length,
    telegram_breaches: (await platforms.calls("telegram")).filter(({ status }) => status === 429).length,
  };
  const holds = verdict.complete && verdict.one_rule === addresses.length && verdict.untruthful === 0 && copies.all === copies.explained;
  return { ...verdict, holds: holds && rules.size === addresses.length };
}

async function runsOf({ acknowledged, api }: Evidence): Promise<readonly { ip: string; status: string }[]> {
  const runs = [];
  for (const [ip, run_id] of acknowledged) runs.push({ ip, status: String((await api("GET", `/api/v1/runs/${run_id}`)).body["status"]) });
  return runs;
}

function countEnds(ended: readonly { status: string }[]) {
  const count = (wanted: string) => ended.filter(({ status }) => status === wanted).length;
  return { succeeded: count("succeeded"), failed: count("failed"), unknown: count("unknown") };
}

/** An answer names the address and does not say that it is still running; one of success must be true. */
async function chatAnswers({ platforms, chats }: Evidence, rules: ReadonlyMap<string, number>) {
  let answered = 0;
  let untruthful = 0;
  for (const [chat, ips] of chats) {
    const texts = (await platforms.messages(chat)).map(({ text }) => text);
    for (const ip of ips) {
      const about = texts.find((text) => text.includes(`${ip} is blocked`) || text.includes(`${ip} was blocked already`));
      if (about) answered += 1;
      if (about && !rules.has(ip)) untruthful += 1;
    }
  }
  return { answered, untruthful };
}

/** Messages beyond one for each line, and how many of them a kill explains: one new message accepted just before each. */
async function copiesIn({ platforms, chats, killedAt }: Evidence) {
  let all = 0;
  let explained = 0;
  for (const [chat, ips] of chats) {
    const sent = (await platforms.calls("telegram", "sendMessage")).filter((call) => call.chat_id === chat && call.status === 200);
    const extra = Math.max(0, sent.length - ips.length);
    all += extra;
    explained += Math.min(extra, sent.filter((call) => killedAt.some((at) => acceptedJustBefore(call, at))).length);
  }
  return { all, explained };
}

function acceptedJustBefore(call: EmulatorCall, killed: number): boolean {
  const before = killed - Date.parse(call.at);
  return before > -100 && before < WINDOW_MS;
}
