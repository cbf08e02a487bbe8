import { describe, expect, it } from "vitest";
import { eachAddress } from "../../commands/cf/each-address.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";

const IPS = Array.from({ length: 20 }, (_, at) => `203.0.113.${at}`);
const giveUp = (ip: string, { code }: OpsError) => `${ip} ${code}`;
const { signal } = new AbortController();

/** A list of which the first three are done at once, and the rest goes on until its time is up. */
function outOfTime(last_attempt: boolean) {
  const end = new AbortController();
  const first = IPS.slice(0, 3);
  const carryOut = (ip: string) =>
    new Promise<string>((resolve, reject) => {
      if (first.includes(ip)) resolve(`${ip} done`);
      end.signal.addEventListener("abort", () => reject(new OpsError("outcome_unknown", "cut off")));
    });
  const told = eachAddress(IPS, { signal: end.signal, last_attempt }, { carryOut, giveUp });
  setImmediate(() => end.abort());
  return told;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (thrown: unknown) => toOpsError(thrown).code,
  );

describe("a list of addresses", () => {
  it("is dealt with five at a time, and told in the order it was given", async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    const done = eachAddress(
      IPS,
      { signal, last_attempt: false },
      {
        async carryOut(ip) {
          await new Promise<void>((resolve) => waiting.push(resolve));
          return ip;
        },
        giveUp,
      },
    );
    for (let left = IPS.length; left > 0; left--) {
      most = Math.max(most, waiting.length);
      // The last one first: the order in which they end is another than that in which they began.
      waiting.pop()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([await done, most]).toEqual([IPS, 5]);
  });

  it("begins nothing more when all of it is tried again, and waits for what was begun", async () => {
    const begun: string[] = [];
    const carryOut = async (ip: string) => {
      begun.push(ip);
      throw new OpsError("rate_limited", "429", { retry_after_ms: 7_000 });
    };
    await expect(eachAddress(IPS, { signal, last_attempt: false }, { carryOut, giveUp })).rejects.toMatchObject({ retry_after_ms: 7_000 });
    expect(begun).toEqual(IPS.slice(0, 5));
  });

  it("is given as far as it goes when the last try runs out of time", async () => {
    const ends = [...Array(3).fill("done"), ...Array(5).fill("outcome_unknown"), ...Array(12).fill("timeout")];
    expect(await outOfTime(true)).toEqual(IPS.map((ip, at) => `${ip} ${ends[at]}`));
  });

  it("is tried again when an earlier try runs out of time", async () => {
    expect(await codeOf(outOfTime(false))).toBe("upstream_unavailable");
  });

  it("is not told at all when the mistake is ours", async () => {
    const carryOut = async (ip: string) => (ip.endsWith(".7") ? Promise.reject(new TypeError("a mistake")) : ip);
    expect(await codeOf(eachAddress(IPS, { signal, last_attempt: true }, { carryOut, giveUp }))).toBe("internal");
  });
});
