import { beforeEach, describe, expect, it } from "vitest";
import type { Block, BlockWish, LedgerKeeping } from "../../core/ledger.ts";

/** A ledger to be tried, and hands on its time. */
export interface LedgerUnderTest {
  readonly ledger: LedgerKeeping;
  /** So many milliseconds go by. */
  passes(ms: number): Promise<void>;
  /** A run is asked for, and has not ended yet. */
  opens(run_id: string): Promise<void>;
}

const HOUR = 3_600_000;
const IP = "203.0.113.7";

const wish = (more: Partial<BlockWish> = {}, networks: readonly string[] = [IP]): BlockWish => ({
  places: networks.map((network) => ({ scope: "zone:1", network, asked: network })),
  ...{ run_id: "run-1", identity: "telegram:1002", person_id: "p-2", reason: "scan", mark: "mark of run-1", for_ms: null },
  ...more,
});
const second = (more: Partial<BlockWish> = {}) =>
  wish({ run_id: "run-2", identity: "telegram:1001", mark: "mark of run-2", reason: "again", ...more });
const ruleOf = ({ mark }: Block, rule_id = "rule-1") => ({ rule_id, notes: mark, created_at: null });
const rule = { scope: "zone:1", rule_id: "rule-9", network: IP, mode: "block", notes: "by hand", created_at: null } as const;
const release = { run_id: "release-1", identity: "telegram:1001", person_id: "p-1" };

/** What a ledger is, whatever it is kept in. */
export function describeLedger(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(name, () => {
    let under: LedgerUnderTest;
    let ledger: LedgerKeeping;
    beforeEach(async () => {
      under = await open();
      ledger = under.ledger;
    });

    const intend = async (given: BlockWish) => {
      const [block] = await ledger.intend(given);
      if (!block) throw new Error("nothing was written down");
      return block;
    };
    const blocked = async (given = wish()) => {
      const block = await intend(given);
      const done = await ledger.confirm(block, ruleOf(block));
      if (!done) throw new Error("it was not confirmed");
      return done;
    };
    const expiry = (block: Block) =>
      block.expires_at && Math.round((Date.parse(block.expires_at) - Date.parse(block.blocked_at ?? "")) / HOUR);

    it("writes down what is wished for before it is there, and then the rule", async () => {
      const pending = await intend(wish({ for_ms: 2 * HOUR }));
      expect(pending).toMatchObject({ state: "pending", rule_id: null, network: IP, identity: "telegram:1002", reason: "scan" });
      const done = await ledger.confirm(pending, ruleOf(pending));
      expect(done).toMatchObject({ state: "blocked", rule_id: "rule-1", adopted: false });
      expect(done && expiry(done)).toBe(2);
      expect(await ledger.find([IP, "203.0.113.8"])).toMatchObject([{ state: "blocked", rule_id: "rule-1" }]);
    });

    it("gives a place for each, in their order, each scope for itself", async () => {
      const places = [
        { scope: "zone:2" as const, network: "203.0.113.9", asked: "203.0.113.8/31" },
        { scope: "zone:1" as const, network: "203.0.113.9", asked: "203.0.113.8/31" },
        { scope: "zone:1" as const, network: "203.0.113.8", asked: "203.0.113.8/31" },
      ];
      expect(await ledger.intend(wish({ places }))).toMatchObject(places);
    });

    it("the same run finds what it has done, also when that was lifted meanwhile", async () => {
      const done = await blocked();
      expect(await intend(wish())).toEqual(done);
      const [releasing] = await ledger.startRelease([IP], release);
      await ledger.released(releasing ? [releasing] : []);
      expect(await intend(wish())).toMatchObject({ block_id: done.block_id, state: "released" });
    });

    it("another wish extends, and never shortens; no end is the latest", async () => {
      await blocked(wish({ for_ms: 2 * HOUR }));
      expect(expiry(await intend(second({ for_ms: HOUR })))).toBe(2);
      const longer = await intend(second({ for_ms: 5 * HOUR, run_id: "run-3" }));
      expect([expiry(longer), longer.reason, longer.identity, longer.state]).toEqual([5, "scan", "telegram:1002", "blocked"]);
      expect(await intend(second({ run_id: "run-4" }))).toMatchObject({ expires_at: null });
      expect(await intend(second({ for_ms: HOUR, run_id: "run-5" }))).toMatchObject({ expires_at: null });
      await under.passes(9 * HOUR);
      expect(await ledger.due(9)).toEqual([]);
    });

    it("a rule of somebody else is adopted and gets no end", async () => {
      const pending = await intend(wish({ for_ms: HOUR }));
      const adopted = await ledger.confirm(pending, { rule_id: "rule-9", notes: "by hand", created_at: "2026-01-01T00:00:00.000Z" });
      expect(adopted).toMatchObject({ adopted: true, expires_at: null, blocked_at: "2026-01-01T00:00:00.000Z" });
      await under.passes(2 * HOUR);
      expect(await ledger.due(9)).toEqual([]);
    });

    it("what was refused is forgotten, what stands is not", async () => {
      const pending = await intend(wish());
      await ledger.withdraw([pending]);
      expect(await ledger.find([IP])).toEqual([]);
      const done = await blocked(second());
      await ledger.withdraw([done]);
      await ledger.leave([...(await ledger.startRelease([IP], release)), done]);
      expect(await ledger.find([IP])).toMatchObject([{ state: "blocked", released_by: null, version: done.version + 2 }]);
    });

    it("a release comes between the wish and the rule: the rule is not confirmed", async () => {
      const pending = await intend(wish());
      const [releasing] = await ledger.startRelease([IP], release);
      expect(releasing).toMatchObject({ state: "releasing", rule_id: null });
      expect(await ledger.confirm(pending, ruleOf(pending))).toBeNull();
    });

    it("lifting begins once for a run, and ends when it was read back", async () => {
      await blocked();
      const [first] = await ledger.startRelease([IP, "203.0.113.8"], release);
      expect(first).toMatchObject({ state: "releasing", released_by: "telegram:1001", release_run: "release-1" });
      expect(await ledger.startRelease([IP], release)).toEqual([first]);
      await ledger.released(first ? [first] : []);
      expect(await ledger.startRelease([IP], release)).toMatchObject([{ state: "released" }]);
      expect(await ledger.startRelease([IP], { ...release, run_id: "release-2" })).toEqual([]);
      expect((await ledger.find([IP]))[0]).toMatchObject({ state: "released", released_by: "telegram:1001" });
    });

    it("a wish while it is being lifted is the later one: the lifting is not confirmed any more", async () => {
      await blocked();
      const [releasing] = await ledger.startRelease([IP], release);
      const anew = await intend(second({ for_ms: HOUR }));
      expect(anew).toMatchObject({ state: "pending", run_id: "run-2", mark: "mark of run-2", reason: "again", released_by: null });
      await ledger.released(releasing ? [releasing] : []);
      expect(await ledger.find([IP])).toMatchObject([{ state: "pending" }]);
    });

    it("rules of others that are to be lifted become blocks, with what stood in them, and are lifted like ours", async () => {
      const [theirs] = await ledger.adopt([rule, { ...rule, rule_id: "rule-8", network: "203.0.113.8", notes: "" }], release);
      expect(theirs).toMatchObject({
        state: "releasing",
        rule_id: "rule-9",
        adopted: true,
        reason: "by hand",
        released_by: "telegram:1001",
      });
      expect(await ledger.startRelease([IP], release)).toEqual([theirs]);
      await under.passes(HOUR);
      expect((await ledger.due(9)).map(({ reason }) => reason).toSorted()).toEqual(["by hand", null]);
      await ledger.released(theirs ? [theirs] : []);
      expect(await ledger.startRelease([IP], release)).toMatchObject([{ state: "released", run_id: "release-1", reason: "by hand" }]);
    });

    it("a rule of others that cannot be removed is forgotten; where a block lives none is taken up", async () => {
      const done = await blocked();
      const theirs = await ledger.adopt([rule, { ...rule, network: "203.0.113.8" }], release);
      expect(theirs.map(({ network }) => network)).toEqual(["203.0.113.8"]);
      const [ours] = await ledger.startRelease([IP], release);
      await ledger.withdraw([...theirs, ...(ours ? [ours] : [])]);
      expect(await ledger.find([IP, "203.0.113.8"])).toMatchObject([{ block_id: done.block_id, state: "releasing" }]);
    });

    it("what is wished for while it is lifted was never blocked for that wish", async () => {
      await blocked();
      await ledger.startRelease([IP], release);
      expect(await intend(second())).toMatchObject({ state: "pending", blocked_at: null });
    });

    it("a block whose time is over is due once, then again when lifting it stays open", async () => {
      await blocked(wish({ for_ms: HOUR }));
      await under.passes(HOUR - 1_000);
      expect(await ledger.due(9)).toEqual([]);
      await under.passes(2_000);
      const [due] = await ledger.due(9);
      expect(due).toMatchObject({ state: "releasing", released_by: "expiry", rule_id: "rule-1" });
      expect(await ledger.due(9)).toEqual([]);
      await ledger.keepTrying(due ? [{ ...due, delay_ms: 30_000 }] : []);
      await under.passes(31_000);
      expect(await ledger.due(9)).toMatchObject([{ state: "releasing", tries: 1 }]);
    });

    it("what could not be lifted is tried again, each after its own time", async () => {
      await ledger.intend(wish({}, [IP, "203.0.113.8"]));
      const releasing = await ledger.startRelease([IP, "203.0.113.8"], release);
      await ledger.keepTrying(releasing.map((block) => ({ ...block, delay_ms: block.network === IP ? 30_000 : HOUR })));
      await under.passes(31_000);
      expect(await ledger.due(9)).toMatchObject([{ network: IP, tries: 1 }]);
      await under.passes(HOUR);
      expect((await ledger.due(9)).map(({ network, tries }) => [network, tries])).toContainEqual(["203.0.113.8", 1]);
    });

    it("a wish whose run still goes on is left to it; one whose run is over is settled", async () => {
      await under.opens("run-1");
      await intend(wish());
      await intend(second({ places: [{ scope: "zone:1", network: "203.0.113.8", asked: "203.0.113.8" }] }));
      await under.passes(HOUR);
      expect((await ledger.due(9)).map(({ network, state }) => [network, state])).toEqual([["203.0.113.8", "pending"]]);
    });

    it("counts what lies within a range", async () => {
      await ledger.intend(wish({}, [IP, "203.0.113.200", "198.51.100.1", "2001:db8::1"]));
      expect(await ledger.within("203.0.113.0/24")).toMatchObject({ ours: 2, foreign: 0 });
      expect(await ledger.within("2001:db8::/32")).toMatchObject({ ours: 1 });
    });

    it("a run that comes again does not block what somebody lifted after it was asked for", async () => {
      await blocked();
      await under.opens("run-2");
      expect(await intend(second({ for_ms: HOUR }))).toMatchObject({ state: "blocked", run_id: "run-1" });
      await under.passes(10);
      await under.opens("release-1");
      const lifting = await ledger.startRelease([IP], release);
      expect(await intend(second({ for_ms: HOUR }))).toMatchObject({ state: "releasing", run_id: "run-1" });
      await ledger.released(lifting);
      expect(await intend(second({ for_ms: HOUR }))).toMatchObject({ state: "released", released_by: "telegram:1001" });
      await under.passes(10);
      await under.opens("run-3");
      expect(await intend(second({ run_id: "run-3" }))).toMatchObject({ state: "pending", run_id: "run-3" });
      expect(await intend(second({ for_ms: HOUR }))).toMatchObject({ state: "pending", run_id: "run-3" });
    });

    it("a wish that was asked for before another one's time was over stands", async () => {
      await blocked(wish({ for_ms: HOUR }));
      await under.opens("run-2");
      await under.passes(HOUR);
      const due = await ledger.due(9);
      await ledger.released(due);
      expect(await intend(second())).toMatchObject({ state: "pending", run_id: "run-2" });
    });

    it("those that are wished for and confirmed at once each get their own, also where two of them wish for the same", async () => {
      const wishes = [7, 8, 9, 7].map((last, at) => wish({ run_id: `run-${at}`, mark: `mark ${at}` }, [`203.0.113.${last}`]));
      await Promise.all(wishes.map(({ run_id }) => under.opens(run_id)));
      const wished = await Promise.all(wishes.map(intend));
      expect(wished.map(({ network }) => network)).toEqual(["203.0.113.7", "203.0.113.8", "203.0.113.9", "203.0.113.7"]);
      const again = await Promise.all(wishes.map(intend));
      expect(again.map(({ block_id }) => block_id)).toEqual(wished.map(({ block_id }) => block_id));
      const versions = wished.slice(0, 3).map((block, at) => ({ ...block, version: at === 1 ? 99 : block.version }));
      const made = { rule_id: "rule-1", notes: "mark 0", created_at: null };
      const confirmed = await Promise.all(versions.map((block) => ledger.confirm(block, made)));
      expect(confirmed.map((block) => block?.adopted ?? null)).toEqual([false, null, true]);
    });

    it("of many who wish the same at once one row lives", async () => {
      const networks = Array.from({ length: 20 }, (_, at) => `203.0.113.${at}`);
      const places = networks.map((network) => ({ scope: "zone:1" as const, network, asked: network }));
      await Promise.all(
        Array.from({ length: 8 }, (_, at) => ledger.intend(second({ run_id: `run-${at}`, places: at % 2 ? places : places.toReversed() }))),
      );
      expect(await ledger.find(networks)).toHaveLength(20);
    });
  });
}
