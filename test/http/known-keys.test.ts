import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { Caller } from "../../http/deps.ts";
import { rememberKeys } from "../../http/known-keys.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const caller = (name: string): Caller => ({
  identity: `key:${name}`,
  person: { person_id: `key:${name}`, name, role: "ingest", locale: null, zone: null },
});
const away = () => Promise.reject(new OpsError("unavailable", "the database is away"));
const never = () => new Promise<never>(() => undefined);

/** A database of keys, which can be changed, and how often it was asked. */
function desk() {
  const holders = new Map([["key-a", caller("a")]]);
  const asked: string[] = [];
  const database = { find: async (key: string): Promise<Caller | null> => holders.get(key) ?? null };
  const find = rememberKeys((key) => {
    asked.push(key);
    return database.find(key);
  });
  const found = async (key = "key-a") => (await find(key))?.identity ?? null;
  return { holders, asked, database, find, found };
}

describe("a key", () => {
  it("is believed for a second, and asked for again after it", async () => {
    const { found, asked } = desk();
    for (let times = 0; times < 1_000; times++) expect(await found()).toBe("key:a");
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1_001);
    expect(await found()).toBe("key:a");
    expect(asked).toHaveLength(2);
  });

  it("that is revoked is refused a second later, and from then on", async () => {
    const { found, holders } = desk();
    await found();
    holders.clear();
    expect(await found()).toBe("key:a");
    vi.advanceTimersByTime(1_001);
    expect(await found()).toBe(null);
    expect(await found()).toBe(null);
  });

  it("whose role was changed has the new one a second later", async () => {
    const { find, holders } = desk();
    await find("key-a");
    const { identity, person } = caller("a");
    holders.set("key-a", { identity, person: { ...person, role: "viewer" } });
    vi.advanceTimersByTime(1_001);
    expect((await find("key-a"))?.person.role).toBe("viewer");
  });

  it("that nobody holds is asked for each time, and works the moment it is made", async () => {
    const { found, holders, asked } = desk();
    for (let times = 0; times < 3; times++) expect(await found("key-b")).toBe(null);
    expect(asked).toHaveLength(3);
    holders.set("key-b", caller("b"));
    expect(await found("key-b")).toBe("key:b");
  });
});

describe("while the database is away", () => {
  it("a known key is believed for five minutes, and not longer", async () => {
    const { found, database } = desk();
    await found();
    database.find = away;
    vi.advanceTimersByTime(299_000);
    expect(await found()).toBe("key:a");
    vi.advanceTimersByTime(1_001);
    await expect(found()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("an unknown key is neither right nor wrong", async () => {
    const { database, found } = desk();
    database.find = away;
    await expect(found("key-b")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("a key that was revoked before is found out as soon as it is back", async () => {
    const { found, database, holders } = desk();
    const { find } = database;
    await found();
    database.find = away;
    vi.advanceTimersByTime(60_000);
    expect(await found()).toBe("key:a");
    holders.clear();
    database.find = find;
    expect(await found()).toBe(null);
  });

  it("a mistake of ours is no outage", async () => {
    const { found, database } = desk();
    await found();
    database.find = () => Promise.reject(new TypeError("a mistake"));
    vi.advanceTimersByTime(1_001);
    await expect(found()).rejects.toThrow("a mistake");
  });
});

describe("while the database hangs", () => {
  it("one caller waits for 100 ms, the others not at all, and it is asked once", async () => {
    const { found, database, asked } = desk();
    await found();
    database.find = never;
    vi.advanceTimersByTime(1_001);
    const first = found();
    expect(await found()).toBe("key:a");
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toBe("key:a");
    for (let times = 0; times < 100; times++) expect(await found()).toBe("key:a");
    expect(asked).toHaveLength(2);
  });

  it("a late answer counts all the same", async () => {
    const { found, database } = desk();
    await found();
    let answer: (found: null) => void = () => undefined;
    database.find = () => new Promise((resolve) => (answer = resolve));
    vi.advanceTimersByTime(1_001);
    const first = found();
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toBe("key:a");
    database.find = async () => null;
    answer(null);
    await vi.advanceTimersByTimeAsync(0);
    expect(await found()).toBe(null);
  });

  it("a key is believed for five minutes, and then asked for like an unknown one", async () => {
    const { found, database } = desk();
    await found();
    database.find = never;
    vi.advanceTimersByTime(2_000);
    const first = found();
    await vi.advanceTimersByTimeAsync(100);
    await first;
    vi.advanceTimersByTime(300_000);
    database.find = away;
    await expect(found()).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("what is remembered", () => {
  it("are the thousand keys that were asked for last: who guesses fills nothing, and no other's key is forgotten for it", async () => {
    const { found, asked } = desk();
    await found();
    for (let at = 0; at < 5_000; at++) await found(`guess-${at}`);
    expect(await found()).toBe("key:a");
    expect(asked.filter((key) => key === "key-a")).toHaveLength(1);
  });

  it("is bounded also for keys that are right", async () => {
    const { found, holders, asked } = desk();
    for (let at = 0; at < 1_001; at++) holders.set(`key-${at}`, caller(String(at)));
    for (let at = 0; at < 1_001; at++) await found(`key-${at}`);
    asked.length = 0;
    await found("key-1000");
    await found("key-0");
    expect(asked).toEqual(["key-0"]);
  });
});

describe("wrong keys at the collector", () => {
  it("are counted and held back as everywhere, and a right one is not", async () => {
    const { deps } = createDesk({ sandbox: false, host: "0.0.0.0" });
    const server = createServer(deps);
    const collect = (key: string) =>
      server.inject({
        method: "POST",
        url: "/api/collect",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        payload: '{"event_id":"a","event":"e","user_id":"u"}',
        remoteAddress: "203.0.113.9",
      });
    const statuses: number[] = [];
    for (let at = 0; at < 22; at++) statuses.push((await collect(`guess-${at}`)).statusCode);
    expect(statuses).toEqual([...Array(20).fill(401), 429, 429]);
    const held = await collect("guess");
    expect(held.json()).toMatchObject({ is_success: "false", code: "rate_limited" });
    expect(Number(held.headers["retry-after"])).toBeGreaterThan(0);
    expect((await collect(bearer("ivy").authorization.slice("Bearer ".length))).statusCode).toBe(200);
  });
});
