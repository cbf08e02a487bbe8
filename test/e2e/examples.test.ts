import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../proof/process.ts";
import { send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";
import { ROOT } from "../support/source.ts";

const world = useWorld();
/** What reads TypeScript as it stands (Node 22.18 and 23.6) is given the file itself. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const READS_TYPES = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
const CLIENT = path.join(ROOT, READS_TYPES ? "examples/collect.ts" : "dist/examples/collect.js");

const event = (event_id: string, user_id: string) => ({ event_id, event: "log_in", user_id });
const toLines = (events: readonly unknown[]) => events.map((each) => `${JSON.stringify(each)}\n`).join("");

/** Starts an example. What it prints is collected until it ends. */
function start(command: string, file: string, env: Readonly<Record<string, string>>) {
  const child = spawn(command, [file], { env: { PATH: process.env["PATH"] ?? "", ...env }, stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (words: string) => (printed.out += words));
  child.stderr.setEncoding("utf8").on("data", (words: string) => (printed.err += words));
  return { child, printed, end: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, "close");
  return child.exitCode;
}

const client = (url: string, key = "") => start(process.execPath, CLIENT, { COLLECT_URL: url, ...(key !== "" && { COLLECT_KEY: key }) });

async function stored(user_id: string): Promise<string[]> {
  const got = await send(`${world.program().url}/api/event?user_id=${user_id}&limit=1000`, { key: world.key("viewer") });
  return (got.json["results"] as { event_id: string }[]).map(({ event_id }) => event_id);
}

describe("examples/collect.ts", () => {
  it("sends everything, and what is refused is said", async () => {
    const good = Array.from({ length: 900 }, (_, at) => event(`x-${at}`, "examples"));
    const { child, printed, end } = client(world.program().url, world.key("ingest"));
    child.stdin.end(
      `${toLines(good.slice(0, 700))}no JSON\n${toLines([{ event_id: "x-bad", event: 5, user_id: "u" }, ...good.slice(700)])}`,
    );
    expect(await end()).toBe(1);
    const told = printed.err
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(told).toEqual([
      { event_id: null, error: "no JSON: no JSON" },
      { event_id: "x-bad", error: expect.stringContaining("event") },
    ]);
    await until("all are stored", async () => (await stored("examples")).length === good.length);
    expect(new Set(await stored("examples"))).toEqual(new Set(good.map(({ event_id }) => event_id)));
  });

  it("goes away with 0 when all was accepted, at a signal too: what it has read is sent first", async () => {
    const { child, printed, end } = client(world.program().url, world.key("ingest"));
    child.stdin.write(toLines([event("s-1", "signal"), event("s-2", "signal")]));
    await until("they are sent", async () => (await stored("signal")).length === 2);
    child.stdin.write(toLines([event("s-3", "signal")]));
    await until("the pipe is read", async () => child.stdin.writableLength === 0);
    child.kill("SIGTERM");
    expect([await end(), printed.err]).toEqual([0, ""]);
  });

  it("says that its key is wrong, and ends", async () => {
    const { child, printed, end } = client(world.program().url, "a-wrong-key");
    child.stdin.end(toLines([event("w-1", "wrong")]));
    expect([await end(), printed.err]).toEqual([1, expect.stringContaining("401")]);
  });

  it("asks again until it is answered: nothing is lost, and nothing overtakes", async () => {
    const collector = await startMoody();
    const events = Array.from({ length: 1_300 }, (_, at) => event(`m-${at}`, "moody"));
    const { child, printed, end } = client(collector.url);
    child.stdin.end(toLines(events));
    expect([await end(), printed.err]).toEqual([0, expect.stringContaining("takes no events now")]);
    expect(collector.accepted).toEqual(events.map(({ event_id }) => event_id));
    expect(collector.requests()).toBeGreaterThan(MOODS.length);
    expect(collector.largest()).toBe(500);
  });
});

/** What a collector does before it accepts: away, busy, slow, cut off in its answer. */
const MOODS: readonly ((response: ServerResponse) => unknown)[] = [
  (response) => response.destroy(),
  (response) => response.writeHead(503, { "retry-after": "0" }).end('{"is_success":"false"}'),
  (response) => response.writeHead(429, { "retry-after": "0" }).end("{}"),
  (response) => response.writeHead(200, { "content-length": "100" }).write('{"is_', () => response.destroy()),
  (response) => response.writeHead(502).end("<html>"),
];

/** A collector that accepts a list only when it has been asked in vain, in every way once. */
async function startMoody() {
  const accepted: string[] = [];
  let [requests, largest] = [0, 0];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const events = JSON.parse(Buffer.concat(chunks).toString()) as { event_id: string }[];
    largest = Math.max(largest, events.length);
    const mood = MOODS[requests++ % (MOODS.length + 1)];
    if (mood) return mood(response);
    accepted.push(...events.map(({ event_id }) => event_id));
    return response.end(JSON.stringify({ is_success: "true", results: events.map(({ event_id }) => ({ event_id, is_success: "true" })) }));
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, requests: () => requests, largest: () => largest };
}

it("examples/collect.sh sends, asks and searches", async () => {
  const { child, printed, end } = start("sh", path.join(ROOT, "examples/collect.sh"), {
    COLLECT_URL: world.program().url,
    COLLECT_KEY: world.key("operator"),
  });
  child.stdin.end();
  expect([await end(), printed.err]).toEqual([0, ""]);
  const answers = printed.out.split("\n").filter((line) => line.startsWith("{"));
  const user = `user-${child.pid}`;
  expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
    { is_success: "true" },
    {
      is_success: "true",
      results: [
        { event_id: `${user}-2`, is_success: "true" },
        { event_id: `${user}-3`, is_success: "false", error: expect.any(String) },
      ],
    },
    expect.objectContaining({ event_id: `${user}-1`, status: expect.stringMatching(/queued|stored/) }),
    {
      is_success: "true",
      results: [expect.objectContaining({ event_id: `${user}-2` }), expect.objectContaining({ event_id: `${user}-1` })],
    },
  ]);
});
