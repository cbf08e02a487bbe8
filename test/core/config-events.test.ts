import { describe, expect, it } from "vitest";
import { parseConfig } from "../../core/config.ts";

const parse = (env: Record<string, string>) => parseConfig(env, "/srv/desk");

describe("settings", () => {
  it("of events are read: how many days they are kept, and how many MiB of them may wait", () => {
    expect(parse({ EVENT_RETENTION_DAYS: "30", EVENT_QUEUE_MB: "64" }).events).toEqual({ retention_days: 30, queue_mb: 64 });
    expect(parse({ EVENT_RETENTION_DAYS: " ", EVENT_QUEUE_MB: "" }).events).toEqual({ retention_days: null, queue_mb: 256 });
    expect(parse({ EVENT_RETENTION_DAYS: "36500", EVENT_QUEUE_MB: "1000000" }).events).toEqual({
      retention_days: 36_500,
      queue_mb: 1_000_000,
    });
  });

  it.each(["0", "-1", "1.5", "36501", "30d", "1e2", "٣"])(
    "EVENT_RETENTION_DAYS=%s is refused: nobody means to keep no event",
    (EVENT_RETENTION_DAYS) => {
      expect(() => parse({ EVENT_RETENTION_DAYS })).toThrow("EVENT_RETENTION_DAYS must be a whole number from 1 to 36500");
    },
  );

  it.each(["0", "-1", "1000001", "256MB"])("EVENT_QUEUE_MB=%s is refused", (EVENT_QUEUE_MB) => {
    expect(() => parse({ EVENT_QUEUE_MB })).toThrow("EVENT_QUEUE_MB must be a whole number from 1 to 1000000");
  });
});
