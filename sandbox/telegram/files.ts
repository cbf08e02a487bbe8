import { createHash } from "node:crypto";
import { UploadedFile } from "../body.ts";
import type { Bot } from "./bot.ts";
import { type Params, textParam } from "./params.ts";
import { badRequest } from "./refusal.ts";
import type { Change, Document, StoredFile } from "./types.ts";

/** https://core.telegram.org/bots/api#getfile: what a bot may fetch. */
export const DOWNLOAD_BYTES = 20_000_000;
/** https://core.telegram.org/bots/api#senddocument allows 50 MB; more than this is no case for a sandbox. */
export const UPLOAD_BYTES = 16_777_216;

/** A file as the emulator keeps it. The number of files before it makes its id. */
export function storeFile({ store }: Bot, { name, media_type, bytes }: UploadedFile): StoredFile {
  const number = store.files.size + 1;
  const file_unique_id = createHash("sha256").update(`${number}:${name}`).digest("base64url").slice(0, 15);
  const extension = /\.\w{1,8}$/.exec(name)?.[0] ?? "";
  const document = { file_id: `BQACAgI${file_unique_id}`, file_unique_id, file_name: name, mime_type: media_type, file_size: bytes.length };
  return { document, path: `documents/file_${number}${extension}`, base64: bytes.toString("base64") };
}

/** The file of a call: one that is sent along, also under another name (`attach://NAME`), or one that was sent before, by its id. */
export function documentParam(bot: Bot, params: Params): { readonly document: Document; readonly changes: readonly Change[] } {
  const given = params["document"];
  const upload = given instanceof UploadedFile ? given : attached(params, given);
  if (upload) {
    if (upload.bytes.length === 0) throw badRequest("file must be non-empty");
    const file = storeFile(bot, upload);
    return { document: file.document, changes: [{ type: "file", file }] };
  }
  const file_id = textParam(params, "document");
  if (file_id === "") throw badRequest("there is no document in the request");
  const known = bot.store.files.get(file_id);
  if (!known) throw badRequest("wrong file identifier/HTTP URL specified");
  return { document: known.document, changes: [] };
}

function attached(params: Params, given: unknown): UploadedFile | undefined {
  const [, name] = typeof given === "string" ? (/^attach:\/\/(.+)$/.exec(given) ?? []) : [];
  const upload = name === undefined ? undefined : params[name];
  return upload instanceof UploadedFile ? upload : undefined;
}
