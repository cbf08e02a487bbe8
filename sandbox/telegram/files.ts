import { createHash } from "node:crypto";
import { UploadedFile } from "../body.ts";
import type { Bot } from "./bot.ts";
import { type Params, textParam } from "./params.ts";
import { badRequest } from "./refusal.ts";
import type { Change, Document, PhotoSize, StoredFile } from "./types.ts";

/** https://core.telegram.org/bots/api#getfile: what a bot may fetch. */
export const DOWNLOAD_BYTES = 20_000_000;
/** https://core.telegram.org/bots/api#senddocument allows 50 MB; more than this is no case for a sandbox. */
export const UPLOAD_BYTES = 16_777_216;

/**
 * A file as the emulator keeps it. The number of files before it makes its id.
 * @param sizesOf makes a photo of it
 */
export function storeFile(
  { store }: Bot,
  { name, media_type, bytes }: UploadedFile,
  sizesOf?: (file: Document) => readonly PhotoSize[],
): StoredFile {
  const number = store.files.size + 1;
  const file_unique_id = createHash("sha256").update(`${number}:${name}`).digest("base64url").slice(0, 15);
  const extension = /\.\w{1,8}$/.exec(name)?.[0] ?? "";
  const [letters, folder] = sizesOf ? ["AgACAgI", "photos"] : ["BQACAgI", "documents"];
  const document = { file_id: letters + file_unique_id, file_unique_id, file_name: name, mime_type: media_type, file_size: bytes.length };
  const path = `${folder}/file_${number}${extension}`;
  return { document, path, base64: bytes.toString("base64"), ...(sizesOf && { photo: sizesOf(document) }) };
}

/** The document of a call: one that is sent along, or one that was sent before, by its id. */
export function documentParam(bot: Bot, params: Params): { readonly document: Document; readonly changes: readonly Change[] } {
  const upload = uploadParam(params, "document");
  if (upload) {
    const file = storeFile(bot, upload);
    return { document: file.document, changes: [{ type: "file", file }] };
  }
  const { document, photo } = storedParam(bot, params, "document");
  if (photo) throw badRequest("can't use file of type Photo as Document");
  return { document, changes: [] };
}

/** A file that is sent along, also under another name (`attach://NAME`). */
export function uploadParam(params: Params, name: string): UploadedFile | undefined {
  const given = params[name];
  const upload = given instanceof UploadedFile ? given : attached(params, given);
  if (upload?.bytes.length === 0) throw badRequest("file must be non-empty");
  return upload;
}

/** A file that was sent before, by its id. */
export function storedParam(bot: Bot, params: Params, name: string): StoredFile {
  const file_id = textParam(params, name);
  if (file_id === "") throw badRequest(`there is no ${name} in the request`);
  const known = bot.store.files.get(file_id);
  if (!known) throw badRequest("wrong file identifier/HTTP URL specified");
  return known;
}

function attached(params: Params, given: unknown): UploadedFile | undefined {
  const [, name] = typeof given === "string" ? (/^attach:\/\/(.+)$/.exec(given) ?? []) : [];
  const upload = name === undefined ? undefined : params[name];
  return upload instanceof UploadedFile ? upload : undefined;
}
