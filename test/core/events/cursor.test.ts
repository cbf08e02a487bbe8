import { describe, expect, it } from "vitest";
import { decodeEventCursor, decodeFailedCursor, encodeEventCursor, encodeFailedCursor } from "../../../core/events/cursor.ts";

const moment = "2026-11-22T00:16:43.306512Z";
const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a cursor", () => {
  it.each(["e-1", '"', "a,b", "\\", "🙂", "김철수", "x".repeat(255), "a\nb"])("goes on after %j", (event_id) => {
    const cursor = encodeEventCursor({ event_datetime: moment, event_id });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeEventCursor(cursor)).toEqual({ event_datetime: moment, event_id });
    expect(decodeFailedCursor(encodeFailedCursor({ failed_at: moment, event_id }))).toEqual({ failed_at: moment, event_id });
  });

  it.each([
    ...["", "x", "%%%", "[]", packed(null), packed({}), packed([]), packed([moment]), packed([moment, "e", "more"]), packed([moment, ""])],
    ...[packed([moment, 5]), packed([5, "e"]), packed([moment, "x".repeat(256)]), packed([moment, "a\0"]), packed([moment, "\ud83d"])],
    ...["2026-02-30T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "0000-01-01T00:00:00.000000Z"].map((day) => packed([day, "e"])),
    ...["2026-11-22T25:00:00.000000Z", "2026-11-22T00:00:60.000000Z", "2026-11-22T00:16:43Z", "now"].map((time) => packed([time, "e"])),
  ])("that the database could not go on after is refused: %s", (cursor) => {
    for (const decode of [decodeEventCursor, decodeFailedCursor])
      expect(() => decode(cursor)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
