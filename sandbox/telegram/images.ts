import { crc32, inflateSync } from "node:zlib";

/** How large a picture is, in pixels, and what it is. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly media_type: "image/png" | "image/jpeg";
}

/** https://www.w3.org/TR/png-3/#5PNG-file-signature */
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Samples a pixel by colour type: https://www.w3.org/TR/png-3/#11IHDR */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Looks into a picture; null for what is none, or is broken. */
export function readImage(bytes: Buffer): Image | null {
  try {
    return bytes.subarray(0, PNG.length).equals(PNG) ? readPng(bytes) : readJpeg(bytes);
  } catch {
    // It ends before it is complete, or its data is no data.
    return null;
  }
}

/** Every part must have its checksum, and the data must be as much as the size needs. */
function readPng(bytes: Buffer): Image | null {
  const parts = readParts(bytes);
  const [first] = parts;
  if (first?.type !== "IHDR") return null;
  const { width, height, row_bits, interlaced } = readHeader(first.body);
  const data = Buffer.concat(parts.filter(({ type }) => type === "IDAT").map(({ body }) => body));
  const needed = height * (1 + Math.ceil(row_bits / 8));
  const isWhole = width > 0 && height > 0 && (interlaced || inflateSync(data).length === needed);
  return isWhole ? { width, height, media_type: "image/png" } : null;
}

/** The chunks up to the last one: https://www.w3.org/TR/png-3/#5Chunk-layout */
function readParts(bytes: Buffer): { readonly type: string; readonly body: Buffer }[] {
  const parts: { type: string; body: Buffer }[] = [];
  for (let at = PNG.length; parts.at(-1)?.type !== "IEND"; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) throw new Error("a checksum is wrong");
    parts.push({ type: bytes.toString("latin1", at + 4, at + 8), body: bytes.subarray(at + 8, end) });
    at = end + 4;
  }
  return parts;
}

function readHeader(body: Buffer) {
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  const row_bits = width * body.readUInt8(8) * (SAMPLES[body.readUInt8(9)] ?? Number.NaN);
  return { width, height, row_bits, interlaced: body.readUInt8(12) === 1 };
}

/** The frame's header (SOF0 to SOF15, without DHT, JPG and DAC): ISO/IEC 10918-1, B.2.2. */
function readJpeg(bytes: Buffer): Image | null {
  if (bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; ; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes.readUInt8(at) !== 0xff) return null;
    const marker = bytes.readUInt8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7), media_type: "image/jpeg" };
  }
}
