import type { MessageEntity } from "grammy/types";

/** Who we are. */
export interface Me {
  readonly id: number;
  /** Without "@". */
  readonly username: string;
}

/** A line as somebody wrote it in a group. */
export interface GroupLine {
  readonly typed: string;
  /** What Telegram found in it; offsets and lengths are UTF-16 units, as JavaScript's are. */
  readonly entities: readonly MessageEntity[];
  /** Whether it replies to a message of ours. */
  readonly isReply: boolean;
  /** Whether it carries a file; then it may have no words. */
  readonly hasFile: boolean;
}

/** What may stand between our name and the line: people write "@desk_bot, block ..." and "@desk_bot: block ...". */
const AFTER_NAME = /^(?:$|[\s,:;!?，：；、]|\.(?=\s|$))[\s,:;.!?，：；、]*/;
/** And between the line and our name at its end, behind which nothing but punctuation may follow. */
const BEFORE_NAME = /(?:^|[\s,:;.!?，：；、—-])$/;
const BEHIND_NAME = /^[\s,:;.!?…，。！？]*$/;

/**
 * What of a line in a group is for us, or null: a command, ours or nobody's; a line that mentions us at its beginning or its end; a reply to
 * a message of ours. A command to another bot never is.
 */
export function addressedTo(me: Me, { typed, entities, isReply, hasFile }: GroupLine): string | null {
  const rest = withoutMention(me, typed, entities);
  if (namesAnotherBot(me, rest ?? typed)) return null;
  if (rest !== null) return rest;
  if (typed.startsWith("/")) return typed;
  return isReply && (typed !== "" || hasFile) ? typed : null;
}

function namesAnotherBot({ username }: Me, line: string): boolean {
  const [first = ""] = line.toLowerCase().split(/\s/, 1);
  return first.startsWith("/") && first.includes("@") && !first.endsWith(`@${username.toLowerCase()}`);
}

/** The line without the mention of us that it begins or ends with; null where it has none there. */
function withoutMention(me: Me, typed: string, entities: readonly MessageEntity[]): string | null {
  for (const { from, to } of mentionsOf(me, typed, entities)) {
    const [before, after] = [typed.slice(0, from), typed.slice(to)];
    if (before.trim() === "" && AFTER_NAME.test(after)) return after.replace(AFTER_NAME, "").trimEnd();
    if (BEFORE_NAME.test(before) && BEHIND_NAME.test(after)) return before.replace(/[\s,:;，：；、—-]+$/, "");
  }
  return null;
}

/** Where our name stands, written out or, for those whom Telegram offered no name, as a link to us. */
function mentionsOf({ id, username }: Me, typed: string, entities: readonly MessageEntity[]): { from: number; to: number }[] {
  const mention = `@${username.toLowerCase()}`;
  const line = typed.toLowerCase();
  const links = entities.filter((entity) => entity.type === "text_mention" && entity.user.id === id);
  const found = links.map(({ offset, length }) => ({ from: offset, to: offset + length }));
  const places = new Set([line.length - line.trimStart().length, line.lastIndexOf(mention)]);
  for (const from of places) if (line.startsWith(mention, from)) found.push({ from, to: from + mention.length });
  return found;
}
