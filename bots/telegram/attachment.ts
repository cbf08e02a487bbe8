import type { Api } from "grammy";
import type { Document } from "grammy/types";
import type { Logger } from "../../core/ports.ts";
import { type Text, text } from "../../core/reply.ts";
import { redactToken } from "./errors.ts";
import { ATTACHMENT_BYTES } from "./limits.ts";

/** What fetching a file needs. */
export interface AttachmentDeps {
  readonly api: Api;
  readonly log: Logger;
}

const TYPES = ["text/plain", "text/csv"];
const NAMES = /\.(txt|csv|log)$/i;
const FETCH_TIMEOUT_MS = 15_000;
const TOO_LARGE = text("telegram.file_too_large", { max: ATTACHMENT_BYTES / 1_024 });

/** What stands in a file that came with a line, or in `refused` why it cannot be read. The file's address holds the token and is told to nobody. */
export async function readAttachment(deps: AttachmentDeps, document: Document): Promise<string | { readonly refused: Text }> {
  const { mime_type = "", file_name = "", file_size = 0 } = document;
  if (!TYPES.includes(mime_type.toLowerCase()) && !NAMES.test(file_name)) return { refused: text("telegram.file_type") };
  if (file_size > ATTACHMENT_BYTES) return { refused: TOO_LARGE };
  const bytes = await download(deps, document.file_id);
  if (bytes === null) return { refused: text("telegram.file_failed") };
  if (bytes.length > ATTACHMENT_BYTES) return { refused: TOO_LARGE };
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { refused: text("telegram.file_not_text") };
  }
}

/** https://core.telegram.org/bots/api#getfile @returns null when it cannot be had */
async function download({ api, log }: AttachmentDeps, file_id: string): Promise<Buffer | null> {
  try {
    const { file_path = "" } = await api.getFile(file_id);
    const path = file_path.split("/").map(encodeURIComponent).join("/");
    const url = `${api.options?.apiRoot}/file/bot${api.token}/${path}`;
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    return await readUpTo(response.body, ATTACHMENT_BYTES + 1);
  } catch (thrown) {
    const reason = redactToken(thrown instanceof Error ? thrown.message : String(thrown), api.token);
    log.warn({ platform: "telegram", reason }, "a file could not be fetched; its sender is asked to send it again");
    return null;
  }
}

/** Telegram said how long it is, but only what arrives counts. */
async function readUpTo(body: ReadableStream<Uint8Array>, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size >= limit) break;
  }
  return Buffer.concat(parts);
}
