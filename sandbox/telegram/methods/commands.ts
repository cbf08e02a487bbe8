import { z } from "zod";
import { type Bot, findChat, type Method } from "../bot.ts";
import { integerParam, jsonParam, type Params, textParam } from "../params.ts";
import { badRequest } from "../refusal.ts";
import type { BotCommand } from "../types.ts";

/** https://core.telegram.org/bots/api#setmycommands and #botcommand */
const COMMANDS_MAX = 100;
const COMMAND_CHARS = 32;
const DESCRIPTION_CHARS = 256;

const WIDE_SCOPES = ["default", "all_private_chats", "all_group_chats", "all_chat_administrators"];
const CHAT_SCOPES = ["chat", "chat_administrators", "chat_member"];

function scopeKey(bot: Bot, params: Params): string {
  const scope = jsonParam(params, "scope", "BotCommandScope") ?? { type: "default" };
  if (typeof scope !== "object" || scope === null || Array.isArray(scope)) throw badRequest("can't parse BotCommandScope: Object expected");
  const type = textParam(scope as Params, "type");
  if (WIDE_SCOPES.includes(type)) return type;
  if (!CHAT_SCOPES.includes(type)) throw badRequest("can't parse BotCommandScope: Unsupported type specified");
  const { id } = findChat(bot, scope as Params);
  if (type !== "chat_member") return `${type}:${id}`;
  const user = integerParam(scope as Params, "user_id");
  if (user === undefined) throw badRequest("invalid user_id specified");
  return `${type}:${id}:${user}`;
}

function keyOf(bot: Bot, params: Params): string {
  const language = textParam(params, "language_code");
  if (language !== "" && !/^[a-z]{2}$/.test(language)) throw badRequest("LANG_CODE_INVALID");
  return `${scopeKey(bot, params)} ${language}`;
}

const COMMANDS = z.array(z.looseObject({ command: z.string(), description: z.string() }));

function checkCommand({ command, description }: BotCommand): BotCommand {
  const text = description.trim();
  if (command === "") throw badRequest("command must be non-empty");
  if (command.length > COMMAND_CHARS) throw badRequest(`command length must not exceed ${COMMAND_CHARS}`);
  if (text === "") throw badRequest("command description must be non-empty");
  if (text.length > DESCRIPTION_CHARS) throw badRequest(`command description length must not exceed ${DESCRIPTION_CHARS}`);
  if (!/^[a-z0-9_]+$/.test(command)) throw badRequest("BOT_COMMAND_INVALID");
  return { command, description: text };
}

/** From the narrowest scope to the widest: https://core.telegram.org/bots/api#determining-list-of-commands, for a person who is no administrator. */
export function menuFor({ store }: Bot, where: { readonly chat_id: number; readonly user_id: number; readonly language: string }) {
  const { chat_id, user_id, language } = where;
  const scopes =
    chat_id > 0 ? [`chat:${chat_id}`, "all_private_chats"] : [`chat_member:${chat_id}:${user_id}`, `chat:${chat_id}`, "all_group_chats"];
  const keys = [...scopes, "default"].flatMap((scope) => [`${scope} ${language}`, `${scope} `]);
  const shown = keys.find((key) => store.commands.has(key));
  return { scope: shown?.trim() ?? null, commands: shown === undefined ? [] : (store.commands.get(shown) ?? []) };
}

/** https://core.telegram.org/bots/api#setmycommands */
export const setMyCommands: Method = (bot, params) => {
  const value = jsonParam(params, "commands", "commands");
  if (!Array.isArray(value)) throw badRequest("expected an Array of BotCommand");
  const parsed = COMMANDS.safeParse(value);
  if (!parsed.success) throw badRequest("can't parse BotCommand: Object with command and description expected");
  if (value.length > COMMANDS_MAX) throw badRequest("BOT_COMMANDS_TOO_MUCH");
  const commands = parsed.data.map(checkCommand);
  // An empty list is none: what is less narrow shows through.
  return { result: true, changes: [{ type: "commands", key: keyOf(bot, params), commands: commands.length > 0 ? commands : null }] };
};

/** https://core.telegram.org/bots/api#getmycommands; of exactly that scope and language. */
export const getMyCommands: Method = (bot, params) => ({ result: bot.store.commands.get(keyOf(bot, params)) ?? [] });

/** https://core.telegram.org/bots/api#deletemycommands */
export const deleteMyCommands: Method = (bot, params) => ({
  result: true,
  changes: [{ type: "commands", key: keyOf(bot, params), commands: null }],
});
