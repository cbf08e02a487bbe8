import type { Bot } from "./bot.ts";
import { storedParam, storeFile, uploadParam } from "./files.ts";
import { type Image, readImage } from "./images.ts";
import type { Params } from "./params.ts";
import { badRequest } from "./refusal.ts";
import type { Change, PhotoSize } from "./types.ts";

/** https://core.telegram.org/bots/api#sendphoto */
const PHOTO_BYTES = 10_485_760;
const SIDES_SUM = 10_000;
const RATIO = 20;
/** The boxes that a photo is scaled into, and their letters: https://core.telegram.org/api/files#image-thumbnail-types */
const BOXES = [
  ["m", 320],
  ["x", 800],
  ["y", 1_280],
] as const;

/** The photo of a call: one that is sent along, also as `attach://NAME`, or one that was sent before, by its id. */
export function photoParam(bot: Bot, params: Params): { readonly photo: readonly PhotoSize[]; readonly changes: readonly Change[] } {
  const upload = uploadParam(params, "photo");
  if (!upload) {
    const { photo } = storedParam(bot, params, "photo");
    if (!photo) throw badRequest("can't use file of type Document as Photo");
    return { photo, changes: [] };
  }
  const { length } = upload.bytes;
  if (length > PHOTO_BYTES)
    throw badRequest(`file of size ${length} bytes is too big for a photo; the maximum size is ${PHOTO_BYTES} bytes`);
  const image = readImage(upload.bytes);
  if (!image) throw badRequest("IMAGE_PROCESS_FAILED");
  const { width, height } = image;
  if (width + height > SIDES_SUM || Math.max(width / height, height / width) > RATIO) throw badRequest("PHOTO_INVALID_DIMENSIONS");
  const file = storeFile(bot, { ...upload, media_type: image.media_type }, (stored) => toSizes(stored, image));
  return { photo: file.photo ?? [], changes: [{ type: "file", file }] };
}

/**
 * The sizes of a photo, the largest last. Only that one can be fetched: nothing is scaled here, as the real server does, and what is fetched is what was
 * sent, not a JPEG of it.
 */
function toSizes(file: Pick<PhotoSize, "file_id" | "file_unique_id" | "file_size">, { width, height }: Image): readonly PhotoSize[] {
  const longest = Math.max(width, height);
  const smaller = BOXES.filter(([, side]) => side < longest).map(([letter, side]) => ({ letter, scale: side / longest }));
  const sizes = longest > 1_280 ? smaller : [...smaller, { letter: "", scale: 1 }];
  return sizes.map(({ letter, scale }, at) => ({
    file_id: at === sizes.length - 1 ? file.file_id : `${file.file_id}${letter}`,
    file_unique_id: `${file.file_unique_id}${letter}`,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    file_size: Math.max(1, Math.round(file.file_size * scale * scale)),
  }));
}
