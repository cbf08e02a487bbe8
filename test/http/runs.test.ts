import { describe, expect, it } from "vitest";
import { text } from "../../core/reply.ts";
import { decodeCursor, encodeCursor } from "../../http/cursor.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

/** A desk where vera (by a schedule, say) and olga have runs, oldest first. */
async function deskWithRuns(owners: readonly string[]) {
  const { deps, runs } = createDesk();
  for (const [at, name] of owners.entries()) {
    await runs.acceptor.accept(
      {
        run_id: `run${at}`,
        request_id: `r${at}`,
        command: at % 2 ? "lamp_on" : "say_again",
        input: { room: "hall" },
        person_id: `p-${name}`,
        identity: `key:${name}`,
        locale: "en",
        zone: "UTC",
      },
      null,
    );
  }
  const server = createServer(deps);
  const get = (name: string, path: string) =>
    server.inject({ method: "GET", url: `/api/v1${path}`, headers: { ...bearer(name), "accept-language": "ko" } });
  const ids = async (name: string, query = "") => {
    const { runs: found } = (await get(name, `/runs${query}`)).json<{ runs: { run_id: string }[] }>();
    return found.map(({ run_id }) => run_id);
  };
  return { runs, get, ids };
}

describe("GET /runs/{run_id}", () => {
  it("tells all of a run, and whose it is by their identity", async () => {
    const { runs, get } = await deskWithRuns(["vera"]);
    await runs.end("run0", { status: "failed", output: null, error: { code: "timeout", text: text("errors.timeout") } });
    expect((await get("vera", "/runs/run0")).json()).toEqual({
      run_id: "run0",
      command: "say_again",
      input: { room: "hall" },
      status: "failed",
      person: "key:vera",
      attempts: 1,
      created_at: "2026-11-22T00:00:00.000Z",
      started_at: "2026-11-22T00:00:01.000Z",
      finished_at: "2026-11-22T00:00:01.000Z",
      output: null,
      error: { code: "timeout", detail: "ko:errors.timeout" },
    });
  });

  it("shows viewers their own alone, others all", async () => {
    const { get } = await deskWithRuns(["olga"]);
    expect((await get("vera", "/runs/run0")).json()).toMatchObject({ status: 404, code: "not_found", detail: "ko:http.no_run" });
    expect((await get("olga", "/runs/run0")).statusCode).toBe(200);
    expect((await get("ann", "/runs/run0")).statusCode).toBe(200);
  });

  it.each(["nope", "%00", "a%20b", "x".repeat(101)])("does not know %s", async (id) => {
    const { get } = await deskWithRuns([]);
    expect((await get("ann", `/runs/${id}`)).statusCode).toBe(404);
  });
});

describe("GET /runs", () => {
  it("lists newest first, of viewers their own", async () => {
    const { ids } = await deskWithRuns(["vera", "olga", "vera"]);
    expect(await ids("ann")).toEqual(["run2", "run1", "run0"]);
    expect(await ids("vera")).toEqual(["run2", "run0"]);
  });

  it("filters; an empty parameter is none", async () => {
    const { runs, ids } = await deskWithRuns(["vera", "olga", "vera"]);
    await runs.end("run2", { status: "succeeded", output: 1, error: null });
    expect(await ids("ann", "?status=succeeded")).toEqual(["run2"]);
    expect(await ids("ann", "?command=lamp%20on")).toEqual(["run1"]);
    expect(await ids("ann", "?status=&command=&cursor=&limit=")).toHaveLength(3);
  });

  it("shows what came of each, but leaves out what is too large for a list", async () => {
    const { runs, get } = await deskWithRuns(["vera", "vera"]);
    const large = Array(5_000).fill("203.0.113.7");
    await runs.end("run0", { status: "succeeded", output: { entries: large }, error: null });
    await runs.end("run1", { status: "succeeded", output: { said: "hello" }, error: null });
    const { runs: listed } = (await get("vera", "/runs")).json<{ runs: { output: unknown; output_left_out?: boolean }[] }>();
    expect(listed.map(({ output, output_left_out }) => [output, output_left_out])).toEqual([
      [{ said: "hello" }, undefined],
      [null, true],
    ]);
    expect((await get("vera", "/runs/run0")).json().output).toEqual({ entries: large });
  });

  it("pages to the end", async () => {
    const { get } = await deskWithRuns(Array(5).fill("vera"));
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = (await get("vera", `/runs?limit=2&cursor=${cursor}`)).json<{ runs: { run_id: string }[]; next_cursor: string | null }>();
      seen.push(...page.runs.map(({ run_id }) => run_id));
      cursor = page.next_cursor ?? "";
    } while (cursor !== "" && seen.length < 9);
    expect(seen).toEqual(["run4", "run3", "run2", "run1", "run0"]);
  });

  it("a cursor that names somebody else's run tells a viewer nothing of it", async () => {
    const { get } = await deskWithRuns(["vera", "olga", "vera"]);
    const [, others] = (await get("ann", "/runs")).json<{ runs: { run_id: string; created_at: string }[] }>().runs;
    const created_at = others?.created_at ?? "";
    const pageAfter = async (run_id: string) => (await get("vera", `/runs?cursor=${encodeCursor({ created_at, run_id })}`)).json();
    expect(others?.run_id).toBe("run1");
    expect(await pageAfter("run1")).toEqual(await pageAfter("run1x"));
  });

  it.each([
    ["status", "?status=lost"],
    ["status", "?status=failed&status=failed"],
    ["command", "?command=%00"],
    ["limit", "?limit=0"],
    ["limit", "?limit=201"],
    ["limit", "?limit=many"],
    ["cursor", "?cursor=nonsense"],
    ["cursor", `?cursor=${Buffer.from('["2026-11-22","run\\u0000"]').toString("base64url")}`],
    ["cursor", `?cursor=${Buffer.from("\u00ff[").toString("base64url")}`],
    ["colour", "?colour=red"],
  ])("names %s when it is wrong: %s", async (path, query) => {
    const { get } = await deskWithRuns([]);
    const response = await get("ann", `/runs${query}`);
    expect(response.statusCode).toBe(422);
    expect(response.json().errors[0].path).toBe(path);
  });

  it("a cursor is one opaque word", () => {
    const position = { created_at: "2026-11-22T00:16:43.306Z", run_id: "0123456789ab" };
    expect(encodeCursor(position)).toMatch(/^[\w-]+$/);
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
  });
});
