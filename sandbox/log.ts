import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A line of the log as it is read back: an object of which the reader checks the rest. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** One page of the log. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Where the next page begins, in bytes; null at the end. */
  readonly next_cursor: number | null;
}

/** An append-only file of JSON lines: what an emulator knows is the sum of its lines. */
export interface Log {
  /** Hands every entry over, oldest first. */
  replay(apply: (entry: LogEntry) => void): void;
  /** Writes one entry; it is with the kernel when this returns, so it survives SIGKILL of the process (a power cut is not promised). */
  append(entry: LogEntry): void;
  /** Entries from `cursor` (bytes, 0 is the start) that `keep` wants, at most `limit`. */
  page(query: { readonly cursor: number; readonly limit: number; keep(entry: LogEntry): boolean }): LogPage;
  close(): void;
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** Whole lines from `start`, each with the offset behind it. Reads by chunks, so the size of the file does not matter. */
function* readLines(fd: number, start: number): Generator<{ readonly text: string; readonly end: number }> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let offset = start;
  for (;;) {
    const read = readSync(fd, chunk, 0, CHUNK_BYTES, offset + rest.length);
    if (read === 0) return;
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, read)]) : Buffer.from(chunk.subarray(0, read));
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      yield { text: bytes.toString("utf8", from, at), end: offset + at + 1 };
      from = at + 1;
    }
    rest = bytes.subarray(from);
    offset += from;
  }
}

/** Cuts off a last line that a killed process did not finish: it was never answered. Looks from the end, so a big log opens fast. */
function dropTornLine(fd: number): void {
  const { size } = fstatSync(fd);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const read = readSync(fd, chunk, 0, end - start, start);
    const newline = chunk.subarray(0, read).lastIndexOf(NEWLINE);
    if (newline >= 0) {
      if (start + newline + 1 < size) ftruncateSync(fd, start + newline + 1);
      return;
    }
    end = start;
  }
  ftruncateSync(fd, 0);
}

function parse(text: string, path: string): LogEntry {
  try {
    return JSON.parse(text) as LogEntry;
  } catch (cause) {
    throw new Error(`${path} holds a line that is not JSON: remove the folder to start the sandbox anew`, { cause });
  }
}

/** Opens a log, making its folder when need be. Throws when the file cannot be written. */
export function openLog(path: string): Log {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, "a+");
  dropTornLine(fd);
  let open = true;
  return {
    replay(apply) {
      for (const { text } of readLines(fd, 0)) apply(parse(text, path));
    },
    append(entry) {
      // The number of a closed file may be another file's by now.
      if (!open) throw new Error("the sandbox is closed");
      const bytes = Buffer.from(`${JSON.stringify(entry)}\n`);
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    },
    page({ cursor, limit, keep }) {
      const entries: LogEntry[] = [];
      for (const { text, end } of readLines(fd, cursor)) {
        const entry = parse(text, path);
        if (keep(entry)) entries.push(entry);
        if (entries.length === limit) return { entries, next_cursor: end < fstatSync(fd).size ? end : null };
      }
      return { entries, next_cursor: null };
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
