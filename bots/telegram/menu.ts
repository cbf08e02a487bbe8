import { type Api, GrammyError } from "grammy";
import { LOCALES, type Locale, type PerLocale } from "../../core/locale.ts";
import type { Logger } from "../../core/ports.ts";
import { includesRole, type Role } from "../../core/request.ts";
import { pause } from "./duty.ts";
import { toTelegramError } from "./errors.ts";
import { COMMAND_NAME, COMMANDS, DESCRIPTION } from "./limits.ts";

/** A command of the bot's menu: its slug, what it does in each language, and who may run it. */
export interface MenuEntry {
  readonly command: string;
  readonly description: PerLocale<string>;
  readonly role: Role;
}

/** Somebody in their private chat. */
export interface Viewer {
  readonly chat_id: number;
  readonly role: Role | null;
  readonly locale: Locale;
}

/** The menus that people see behind "/". */
export interface Menus {
  /** Everybody's: empty, because a stranger can do nothing. */
  clear(): void;
  /** Somebody was seen. Theirs is set in the background where it is another than it was set to before. */
  see(viewer: Viewer): void;
  /** Somebody's role was changed, by whichever process: theirs is set whatever it was. Without a locale it is the last one seen, or the bot's. */
  change(viewer: Omit<Viewer, "locale"> & { readonly locale: Locale | null }): void;
  stop(): Promise<void>;
}

/** What menus need. */
export interface MenuDeps {
  readonly api: Api;
  readonly entries: readonly MenuEntry[];
  readonly locale: Locale;
  readonly log: Logger;
}

/** Menus remembered and menus waiting; who falls out is set anew when seen again. */
const REMEMBERED = 10_000;
const WAITING = 1_000;
/** Between two calls: a menu is no message and has no budget that is known, and it is in no hurry. */
const REST_MS = 100;

type Work = () => Promise<unknown>;

/**
 * Sets each known person's menu to what their role may run, in their language: when they are first seen after the start, and when either
 * changes. One call at a time; `retry_after` is obeyed; what fails is tried again when they are seen again.
 */
export function createMenus({ api, entries, log, locale: usual }: MenuDeps): Menus {
  const known = new Map<number, Viewer>();
  const waiting = new Map<string, { readonly work: Work; readonly failed: () => void }>();
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  const add = (key: string, work: Work, failed: () => void) => {
    if (stopping.signal.aborted || waiting.size >= WAITING) return failed();
    waiting.set(key, { work, failed });
    running ??= drain().finally(() => {
      running = null;
    });
  };
  const drain = async () => {
    for (let [key] = waiting.keys(); key !== undefined && !stopping.signal.aborted; [key] = waiting.keys()) {
      const next = waiting.get(key);
      waiting.delete(key);
      if (next) await patiently({ api, log, stopping: stopping.signal }, next);
      await pause(REST_MS, stopping.signal);
    }
  };
  const show = (viewer: Viewer) => {
    const { chat_id } = viewer;
    remember(known, viewer);
    add(
      String(chat_id),
      () => setMenu(api, entries, viewer),
      () => void known.delete(chat_id),
    );
  };
  return {
    clear: () => add("everybody", () => clearDefault(api), ignore),
    see(viewer) {
      const shown = known.get(viewer.chat_id);
      if (shown?.role !== viewer.role || shown.locale !== viewer.locale) show(viewer);
    },
    change: ({ chat_id, role, locale }) => show({ chat_id, role, locale: locale ?? known.get(chat_id)?.locale ?? usual }),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const ignore = () => undefined;

function remember(known: Map<number, Viewer>, viewer: Viewer): void {
  known.delete(viewer.chat_id);
  known.set(viewer.chat_id, viewer);
  const [oldest] = known.keys();
  if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
}

/** Never rejects. */
async function patiently(
  { api, log, stopping }: { api: Api; log: Logger; stopping: AbortSignal },
  { work, failed }: { work: Work; failed: () => void },
): Promise<void> {
  while (!stopping.aborted) {
    try {
      await work();
      return;
    } catch (thrown) {
      const retry_after = thrown instanceof GrammyError ? thrown.parameters.retry_after : undefined;
      if (retry_after === undefined) {
        failed();
        log.warn({ err: toTelegramError(thrown, "menu", api.token) }, "a menu could not be set; commands work all the same");
        return;
      }
      await pause(retry_after * 1_000, stopping);
    }
  }
}

/** Earlier releases showed every command to everybody. */
async function clearDefault(api: Api): Promise<void> {
  await api.deleteMyCommands();
  for (const language_code of LOCALES) await api.deleteMyCommands({ language_code });
}

/** One language is enough: in a private chat there is one person. */
async function setMenu(api: Api, entries: readonly MenuEntry[], { chat_id, role, locale }: Viewer): Promise<void> {
  const scope = { type: "chat", chat_id } as const;
  const commands = entries
    .filter((entry) => includesRole(role, entry.role) && /^[a-z0-9_]+$/.test(entry.command) && entry.command.length <= COMMAND_NAME)
    .slice(0, COMMANDS)
    .map(({ command, description }) => ({ command, description: [...description[locale]].slice(0, DESCRIPTION).join("") }));
  if (commands.length > 0) await api.setMyCommands(commands, { scope });
  else await api.deleteMyCommands({ scope });
}
