import { describe, expect, it } from "vitest";
import { toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

const made = (at: number): CollectedEvent => ({
  ...{ event_id: `e${at}`, event: "log_in", user_id: "u1", parameters: null },
  event_datetime: `2026-11-22T00:00:${String(at % 60).padStart(2, "0")}.000000Z`,
});

/** A collector with some events in its table. */
async function desk(events: readonly CollectedEvent[] = [0, 1, 2].map(made)) {
  const { deps, memory, log } = createDesk();
  await memory.writer.write(toBatch(events));
  const server = createServer(deps);
  const ask = (method: "GET" | "POST" | "HEAD" | "OPTIONS" | "PUT" | "DELETE", url: string, payload?: string, name = "vera") =>
    server.inject({
      method,
      url,
      headers: { ...bearer(name), ...(payload !== undefined && { "content-type": "application/json" }) },
      ...(payload !== undefined && { payload }),
    });
  const get = (url: string) => ask("GET", url);
  const post = (payload: string) => ask("POST", "/api/search", payload);
  return { ask, get, post, memory, log };
}

describe("searching", () => {
  it("is the same by query, by path and by body: newest first, without the user", async () => {
    const { get, post } = await desk();
    const all = [await get("/api/event?user_id=u1"), await get("/api/event/u1"), await post('{"user_id":"u1"}')];
    for (const got of all) expect(got.json()).toEqual(all[0]?.json());
    expect(all[0]?.json()).toEqual({
      is_success: "true",
      results: [2, 1, 0].map((at) => ({
        ...{ event_id: `e${at}`, event: "log_in", parameters: null },
        event_datetime: `2026-11-22T00:00:0${at}.000000Z`,
      })),
    });
  });

  it("of somebody unknown finds nothing, and that is a success", async () => {
    const { get } = await desk();
    expect((await get("/api/event/nobody")).json()).toEqual({ is_success: "true", results: [] });
  });

  it("keeps the same order in two events, each with its own", async () => {
    const order = { order_id: "A-1", currency: "krw", price: 1200 };
    const { get } = await desk([
      { ...made(0), event: "purchase", parameters: order },
      { ...made(1), event: "purchase_success", parameters: order },
    ]);
    expect((await get("/api/event/u1")).json().results).toMatchObject([
      { event: "purchase_success", parameters: order },
      { event: "purchase", parameters: order },
    ]);
  });

  it("goes through pages, and each event is on one", async () => {
    const { get } = await desk(Array.from({ length: 25 }, (_, at) => made(at)));
    const seen: string[] = [];
    let url = "/api/event?user_id=u1&limit=10";
    for (let pages = 0; pages < 3; pages++) {
      const { results, next_cursor } = (await get(url)).json();
      seen.push(...results.map(({ event_id }: { event_id: string }) => event_id));
      expect(next_cursor === undefined).toBe(pages === 2);
      url = `/api/event/u1?limit=10&cursor=${next_cursor}`;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => `e${24 - at}`));
  });

  it("gives a hundred by default, and a thousand at most", async () => {
    const { get } = await desk(Array.from({ length: 1_100 }, (_, at) => made(at)));
    expect((await get("/api/event/u1")).json().results).toHaveLength(100);
    expect((await get("/api/event/u1?limit=1000")).json().results).toHaveLength(1_000);
    expect((await get("/api/event/u1?limit=&cursor=")).json().results).toHaveLength(100);
  });

  it("takes an id as it is written in a path, and a number in a body", async () => {
    const { get, post } = await desk([
      { ...made(0), user_id: "a/b %한" },
      { ...made(1), user_id: "5" },
    ]);
    expect((await get(`/api/event/${encodeURIComponent("a/b %한")}`)).json().results).toHaveLength(1);
    expect((await post('{"user_id":5,"limit":"1","more":[[]]}')).json().results).toHaveLength(1);
  });
});

const cursorOf = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString("base64url");
const TIME = "2026-11-22T00:16:43.306000Z";

describe("a search that is no good is refused for what is wrong with it", () => {
  it.each<readonly [string, string]>([
    ["", "user_id"],
    ["?user_id=", "user_id"],
    ["?user_id=%00", "user_id"],
    ["?user_id=a&user_id=b", "user_id"],
    ["?user_id[]=a", "user_id"],
    [`?user_id=${"a".repeat(256)}`, "user_id"],
    ...["abc", "0", "-1", "1001", "1e2", "0x10", "1.5", "%205", "true", "NaN", "9".repeat(30)].map(
      (limit) => [`?user_id=a&limit=${limit}`, "limit"] as const,
    ),
    ["?user_id=a&limit=1&limit=2", "limit"],
    ["?user_id=a&cursor=garbage", "cursor"],
    ["?user_id=a&cursor=a&cursor=b", "cursor"],
    [`?user_id=a&cursor=${"a".repeat(3_000)}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf(TIME, "\0")}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf("2026-02-30T00:00:00.000000Z", "e")}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf("0000-01-01T00:00:00.000000Z", "e")}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf(TIME, "e", "more")}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf(TIME)}`, "cursor"],
    [`?user_id=a&cursor=${cursorOf({}, [])}`, "cursor"],
  ])("GET /api/event%s", async (query, field) => {
    const { get } = await desk();
    const got = await get(`/api/event${query}`);
    expect(got.json()).toMatchObject({ is_success: "false", status: 422, errors: [{ path: field }] });
  });

  it.each<readonly [string, string]>([
    ["", ""],
    ["null", ""],
    ["[]", ""],
    ["{}", "user_id"],
    ['{"user_id":null}', "user_id"],
    ['{"user_id":{}}', "user_id"],
    ['{"user_id":"\\ud800"}', "user_id"],
    ...["true", "null", "[5]", "{}", "1.5", "1e400"].map((limit) => [`{"user_id":"a","limit":${limit}}`, "limit"] as const),
    ['{"user_id":"a","cursor":5}', "cursor"],
  ])("POST /api/search %s", async (body, field) => {
    const { post } = await desk();
    expect((await post(body)).json()).toMatchObject({ is_success: "false", status: 422, errors: [{ path: field }] });
  });

  it.each(["/api/event/%ff", "/api/event?user_id=%ff", "/api/event/%E0%A4%A", "/api/event/a?limit=%c3"])("%s is no UTF-8", async (url) => {
    const { get, log } = await desk();
    expect((await get(url)).json()).toMatchObject({ is_success: "false", status: 400, detail: "en:http.bad_url" });
    expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("and so is a way that is not there", async () => {
    const { ask } = await desk();
    expect((await ask("HEAD", "/api/event/u1")).statusCode).toBe(200);
    for (const [method, url] of [
      ["GET", "/api/collect"],
      ["OPTIONS", "/api/collect"],
      ["PUT", "/api/event"],
      ["DELETE", "/api/event/u1"],
    ] as const)
      expect((await ask(method, url)).json()).toMatchObject({ status: 404 });
  });
});

describe("a receipt", () => {
  it("says whether an event is queued, stored or failed, also to a key that only sends", async () => {
    const { ask, memory } = await desk();
    await memory.collect([made(7)]);
    memory.failures.set("e8", { ...made(8), reason: "no room", failed_at: TIME, attempts: 1, payload: made(8) });
    const receipt = async (event_id: string) => (await ask("GET", `/api/v1/events/${event_id}`, undefined, "ivy")).json();
    expect(await receipt("e0")).toEqual({ event_id: "e0", status: "stored", stored_at: expect.any(String) });
    expect(await receipt("e7")).toEqual({ event_id: "e7", status: "queued" });
    expect(await receipt("e8")).toEqual({ event_id: "e8", status: "failed", failed_at: TIME, reason: "no room" });
  });

  it.each(["unknown", "%00", "a".repeat(256), "%F0%9F%98%80".repeat(200)])("of %s is 404", async (event_id) => {
    const { get } = await desk();
    expect((await get(`/api/v1/events/${event_id}`)).json()).toMatchObject({ status: 404, detail: "en:events.unknown" });
  });
});
