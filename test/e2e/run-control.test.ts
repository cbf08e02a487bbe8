import { describe, expect, it } from "vitest";
import { type Program, until } from "../../proof/process.ts";
import { usePostgres } from "../support/postgres.ts";
import { ADMIN_KEY, startWorld, type World } from "../support/world.ts";

/** Real processes: one that people ask, and one that works, so that the one can be killed without the other. */
const postgres = usePostgres();
const OPERATOR = 1002;
const IP = "203.0.113.7";

interface Run {
  readonly run_id: string;
  readonly status: string;
  readonly error: { readonly code: string } | null;
}

async function ask(program: Program, method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
  const response = await fetch(`${program.url}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return response.json();
}

const runOf = (program: Program, run_id: string) => ask(program, "GET", `/runs/${run_id}`) as Promise<Run>;
const cancel = (program: Program, run_id: string) => ask(program, "POST", "/commands/run_cancel", { run_id });

/** The desk and its worker, and a block at which Cloudflare takes its time. */
async function atWork(): Promise<{ world: World; desk: Program; worker: Program; run_id: string }> {
  const world = await startWorld(await postgres.database());
  const desk = await world.start({ ROLES: "http,bots,scheduler" });
  const worker = await world.start({ ROLES: "http,workers" });
  await world.platforms.fault({ target: "cloudflare", delay_ms: 60_000, times: 20 });
  await world.platforms.say(OPERATOR, `/block ${IP}`);
  const run_id = await until("the run is at work", async () => {
    const { runs } = (await ask(desk, "GET", "/runs?command=cf_block&status=running")) as { runs: Run[] };
    return runs[0]?.run_id;
  });
  return { world, desk, worker, run_id };
}

const lastWords = async (world: World) => (await world.platforms.messages(OPERATOR)).at(-1)?.text ?? "";

describe("run_cancel", () => {
  it("stops what another process works on, and its asker reads who did it", async () => {
    const { world, desk, run_id } = await atWork();
    expect(await cancel(desk, run_id)).toMatchObject({ outcome: "done", output: { state: "stopping" } });
    const run = await until("the run has ended", async () => {
      const found = await runOf(desk, run_id);
      return ["cancelled", "unknown"].includes(found.status) && found;
    });
    expect(run.error?.code).toMatch(/^(cancelled|outcome_unknown)$/);
    await until("the message is edited", async () => (await lastWords(world)).includes("cf_block was cancelled by key:admin"));
    expect(await world.platforms.messages(OPERATOR)).toHaveLength(1);
    await world.platforms.fault({ target: "cloudflare", times: 0 });
    expect(await ask(desk, "POST", "/commands/run_retry", { run_id })).toMatchObject({
      outcome: "queued",
      run_id: expect.not.stringMatching(run_id),
    });
    await until("the address is blocked after all", async () =>
      (await world.platforms.rules()).some(({ configuration }) => configuration.value === IP),
    );
  });

  it("holds though the worker is killed: the run never begins again", async () => {
    const { world, desk, worker, run_id } = await atWork();
    await worker.kill();
    expect(await cancel(desk, run_id)).toMatchObject({ outcome: "done" });
    await world.platforms.fault({ target: "cloudflare", times: 0 });
    const calls = (await world.platforms.calls("cloudflare")).length;
    await world.start({ ROLES: "http,workers" });
    await until("the run has ended", async () => (await runOf(desk, run_id)).status === "unknown");
    expect(await world.platforms.calls("cloudflare")).toHaveLength(calls);
  });
});
