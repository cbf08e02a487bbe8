/** Control characters besides tab and line breaks, and halves of surrogate pairs: no keyboard makes them and PostgreSQL's jsonb refuses them. */
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;

/** Soft hyphen, grapheme joiner, bidirectional marks, zero-width characters, word joiner, byte order mark. */
const INVISIBLE = /\u00AD|\u034F|\u061C|\u180E|[\u200B\u200C\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF]/gu;

/** The zero-width joiner, except where it joins emoji. */
const STRAY_JOINER = /(?<!\p{Extended_Pictographic}|\uFE0F|[\u{1F3FB}-\u{1F3FF}])\u200D|\u200D(?!\p{Extended_Pictographic})/gu;

const FULL_WIDTH = /[\uFF01-\uFF5E]/g;
/** How far a full-width character is from its ASCII one. */
const FULL_WIDTH_OFFSET = 0xfee0;

/** Of anything but printable ASCII; looked for several times faster, and in most ids there is none. */
const OTHER = /[^ -~]/;

/** Whether a text holds a character that is refused everywhere: NUL and other control characters besides tab and line breaks. */
export function hasControlCharacter(words: string): boolean {
  return OTHER.test(words) && CONTROL.test(words);
}

/** A line in plain characters: invisible ones gone, wide ones narrow, every space a space, every line break `\n`, composed (NFC), trimmed. */
export function repairCharacters(line: string): string {
  return line
    .replaceAll(STRAY_JOINER, "")
    .replaceAll(INVISIBLE, "")
    .replaceAll(/\r\n?|\p{Zl}|\p{Zp}/gu, "\n")
    .replaceAll(/\p{Zs}/gu, " ")
    .replaceAll(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - FULL_WIDTH_OFFSET))
    .normalize("NFC")
    .trim();
}
