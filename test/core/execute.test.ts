import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Command, CommandContext } from "../../core/command.ts";
import { execute } from "../../core/execute.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { testCommand } from "../support/test-commands.ts";

const never = () => new Promise<never>(() => {});

/** A context whose process can be stopped. */
function surroundings() {
  const stop = new AbortController();
  const context: CommandContext = {
    person: { person_id: "p-1", name: "Kim", role: "viewer", locale: null, zone: null },
    ...{ identity: "telegram:1", run_id: "run000000001", attempt: 1, last_attempt: true },
    signal: stop.signal,
    // The commands here use no ports.
    ports: {} as CommandPorts,
  };
  return { stop, run: (command: Command, input: unknown = { words: "hello" }) => execute(command, input, context) };
}

const within = (timeout_ms: number) => ({ execution: { mode: "inline", timeout_ms } as const });

describe("execute", () => {
  it("gives the output, and the handler what it needs to know", async () => {
    const seen: CommandContext[] = [];
    const { run } = surroundings();
    const command = testCommand({
      handle: async (words, context) => {
        seen.push(context);
        return { said: words };
      },
    });
    expect(await run(command)).toEqual({ said: "hello" });
    expect(seen).toMatchObject([{ run_id: "run000000001", identity: "telegram:1", attempt: 1, last_attempt: true }]);
  });

  it("checks the input again: what is stored was written by an older release", async () => {
    const { run } = surroundings();
    await expect(run(testCommand(), { words: 7 })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(run(testCommand(), { words: "hello", colour: "red" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(run(testCommand(), null)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("ends a handler that takes too long, and tells it", async () => {
    let signal: AbortSignal | undefined;
    const command = testCommand({
      ...within(20),
      handle: (_, context) => {
        signal = context.signal;
        return never();
      },
    });
    await expect(surroundings().run(command)).rejects.toMatchObject({ code: "timeout", message: "echo took longer than 20 ms" });
    expect(signal?.aborted).toBe(true);
  });

  it("takes what a handler gives when it is told to end", async () => {
    const partial = (words: string, signal: AbortSignal) =>
      new Promise<{ said: string }>((resolve) => {
        signal.addEventListener("abort", () => resolve({ said: `${words} as far as it goes` }));
      });
    const command = testCommand({ ...within(2_000), handle: (words, { signal }) => partial(words, signal) });
    expect(await surroundings().run(command)).toEqual({ said: "hello as far as it goes" });
  });

  it("calls it too long when a handler breaks off because it was told to end", async () => {
    const broken = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("the call was aborted")));
      });
    const command = testCommand({ ...within(2_000), handle: (_, { signal }) => broken(signal) });
    await expect(surroundings().run(command)).rejects.toMatchObject({ code: "timeout" });
  });

  it("ends a handler when the process stops", async () => {
    const { stop, run } = surroundings();
    const running = run(testCommand({ handle: never }));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: "unavailable" });
  });

  it("begins nothing when the process has stopped", async () => {
    const { stop, run } = surroundings();
    stop.abort();
    let begun = 0;
    const command = testCommand({ handle: async (words) => ({ said: words + begun++ }) });
    await expect(run(command)).rejects.toMatchObject({ code: "unavailable" });
    expect(begun).toBe(0);
  });

  it("passes on what the handler throws, at once or later", async () => {
    const { run } = surroundings();
    const later = testCommand({ handle: async () => Promise.reject(new TypeError("later")) });
    const atOnce = testCommand({
      handle: () => {
        throw new TypeError("at once");
      },
    });
    await expect(run(later)).rejects.toThrow("later");
    await expect(run(atOnce)).rejects.toThrow("at once");
  });

  it("refuses an output that does not fit, and drops what the schema does not know", async () => {
    const { run } = surroundings();
    const wrong = testCommand({ handle: async () => ({ said: 7 }) as unknown as { said: string } });
    await expect(run(wrong)).rejects.toThrow(z.ZodError);
    const more = testCommand({ handle: async () => ({ said: "a", token: "t" }) as { said: string } });
    expect(await run(more)).toEqual({ said: "a" });
  });

  it("leaves nothing on the process's signal, however often it runs", async () => {
    const { stop, run } = surroundings();
    for (let time = 0; time < 50; time++) await run(testCommand());
    await expect(run(testCommand({ handle: async () => Promise.reject(new TypeError("no")) }))).rejects.toThrow("no");
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  });

  it("keeps nothing of a call that is over, though its time limit is far away", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const { run } = surroundings();
    const signals: WeakRef<AbortSignal>[] = [];
    const command = testCommand({
      ...within(600_000),
      handle: async (words, { signal }) => {
        signal.addEventListener("abort", () => undefined, { once: true });
        signals.push(new WeakRef(signal));
        return { said: words };
      },
    });
    for (let time = 0; time < 20; time++) await run(command);
    await vi.waitFor(() => {
      collect();
      expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(3);
    }, 5_000);
  });
});
