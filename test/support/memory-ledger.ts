import type { Block, BlockRef, BlockWish, LedgerKeeping, Place } from "../../core/ledger.ts";
import { contains } from "../../core/networks.ts";
import type { RunView } from "../../core/run.ts";
import { createTurns } from "../../core/turns.ts";
import type { TestClock } from "./clock.ts";

const MINUTE_MS = 60_000;

interface Row extends Block {
  readonly due: number | null;
}

/** What the ledger asks of a run: when it was asked for, and whether it has ended. */
export type LedgerRun = Pick<RunView, "created_at" | "finished_at">;

/** The ledger in memory; test/contract/ledger.contract.ts holds that it is like the one on PostgreSQL. */
export function createMemoryLedger(
  clock: TestClock,
  runOf: (run_id: string) => Promise<LedgerRun | null> = async () => null,
): LedgerKeeping & { readonly blocks: readonly Block[] } {
  const inTurn = createTurns();
  let rows: Row[] = [];
  let made = 0;
  const isLive = ({ state }: Block) => state !== "released";
  const set = (row: Row, change: Partial<Row>): Row => {
    const next = { ...row, ...change };
    rows = rows.map((each) => (each.block_id === row.block_id ? next : each));
    return next;
  };
  const named = (refs: readonly BlockRef[], state: Block["state"]) =>
    rows.filter((row) => row.state === state && refs.some(({ block_id, version }) => row.block_id === block_id && row.version === version));
  const at = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

  /** The runs that rows and wishes name, as they are now. */
  const runsOf = async (...more: string[]) => {
    const ids = new Set([...more, ...rows.flatMap(({ run_id, release_run }) => [run_id, release_run ?? ""])]);
    const found = new Map(await Promise.all([...ids].map(async (id) => [id, await runOf(id)] as const)));
    const isAfter = (id: string, other: string) => {
      const [one, two] = [found.get(id)?.created_at, found.get(other)?.created_at];
      return one !== undefined && two !== undefined && one > two;
    };
    return { isOpen: (id: string) => found.get(id)?.finished_at === null, isAfter };
  };
  type Runs = Awaited<ReturnType<typeof runsOf>>;

  /** What somebody asked to lift after this run was asked for. */
  const overruled = (here: readonly Row[], run_id: string, { isAfter }: Runs): Row | undefined => {
    const last = here.find(isLive) ?? here.at(-1);
    const isLifted = last?.state === "releasing" || last?.state === "released";
    return isLifted && last.release_run !== null && isAfter(last.release_run, run_id) ? last : undefined;
  };

  const extended = (live: Row, expires: number | null, due: number) => {
    const until = live.expires_at === null || expires === null ? null : Math.max(Date.parse(live.expires_at), expires);
    return { expires_at: at(until), due: live.state === "blocked" ? until : due };
  };

  const intendOne = (wish: BlockWish, { scope, network, asked }: Place, runs: Runs): Row => {
    const here = rows.filter((row) => row.scope === scope && row.network === network);
    const mine = here.findLast((row) => row.run_id === wish.run_id) ?? overruled(here, wish.run_id, runs);
    if (mine) return mine;
    const { run_id, identity, reason, mark, for_ms } = wish;
    const expires = for_ms === null ? null : clock.ms() + for_ms;
    const live = here.find(isLive);
    const fresh = {
      asked,
      run_id,
      identity,
      reason,
      mark,
      expires_at: at(expires),
      due: clock.ms() + 10 * MINUTE_MS,
      state: "pending" as const,
      blocked_at: null,
    };
    const undone = { tries: 0, released_by: null, release_run: null };
    if (live?.state === "releasing" || (live?.state === "pending" && !runs.isOpen(live.run_id)))
      return set(live, { ...fresh, ...undone, version: live.version + 1 });
    if (live) return set(live, { ...undone, ...extended(live, expires, fresh.due), reason: live.reason ?? reason });
    const row: Row = {
      ...{ ...fresh, ...undone, block_id: String(++made), version: 1, scope, network, rule_id: null, adopted: false },
      ...{ released_at: null, drift: null },
    };
    rows.push(row);
    return row;
  };

  return {
    get blocks() {
      return rows;
    },
    // One after the other, as locks make them.
    intend: (wish) =>
      inTurn("", async () => {
        const runs = await runsOf(wish.run_id);
        return wish.places.map((place) => intendOne(wish, place, runs));
      }),
    async confirm(ref, { rule_id, notes, created_at }) {
      const row = [...named([ref], "pending"), ...named([ref], "blocked")][0];
      if (!row) return null;
      const adopted = notes !== row.mark;
      const expires_at = adopted ? null : row.expires_at;
      const due = expires_at === null ? null : Date.parse(expires_at);
      return set(row, { state: "blocked", rule_id, adopted, blocked_at: created_at ?? at(clock.ms()), drift: null, expires_at, due });
    },
    async withdraw(refs) {
      const gone = [
        ...named(refs, "pending"),
        ...named(refs, "releasing").filter(({ adopted, mark, run_id }) => adopted && mark === `release ${run_id}`),
      ];
      rows = rows.filter((row) => !gone.includes(row));
    },
    async startRelease(networks, { run_id, identity }) {
      const mine = rows.filter((row) => networks.includes(row.network) && row.release_run === run_id && row.state === "released");
      const open = rows.filter(
        (row) => networks.includes(row.network) && isLive(row) && !mine.some((m) => m.scope === row.scope && m.network === row.network),
      );
      const lifted = open.map((row) => {
        const again = row.release_run === run_id;
        const change = { state: "releasing", released_by: identity, release_run: run_id, due: clock.ms() + 2 * MINUTE_MS } as const;
        return set(row, { ...change, tries: 0, ...(!again && { version: row.version + 1 }) });
      });
      return [...mine, ...lifted];
    },
    async adopt(rules, { run_id, identity }) {
      const free = rules.filter(({ scope, network }) => !rows.some((row) => isLive(row) && row.scope === scope && row.network === network));
      const adopted = free.map(({ scope, network, rule_id, notes, created_at }): Row => {
        const due = clock.ms() + 2 * MINUTE_MS;
        return {
          ...{ block_id: String(++made), version: 1, scope, network, asked: network, state: "releasing", rule_id, adopted: true, due },
          ...{
            mark: `release ${run_id}`,
            reason: notes === "" ? null : notes,
            identity,
            run_id,
            released_by: identity,
            release_run: run_id,
          },
          ...{ blocked_at: created_at, expires_at: null, released_at: null, tries: 0, drift: null },
        };
      });
      rows.push(...adopted);
      return adopted;
    },
    async leave(refs) {
      for (const row of named(refs, "releasing").filter(({ rule_id }) => rule_id !== null)) {
        const due = row.expires_at === null ? null : Date.parse(row.expires_at);
        set(row, { state: "blocked", due, tries: 0, released_by: null, release_run: null, version: row.version + 1 });
      }
    },
    async released(refs) {
      for (const row of named(refs, "releasing")) set(row, { state: "released", released_at: at(clock.ms()), due: null, drift: null });
    },
    async keepTrying(retries) {
      for (const retry of retries)
        for (const row of named([retry], "releasing")) set(row, { tries: row.tries + 1, due: clock.ms() + retry.delay_ms });
    },
    async find(networks) {
      const here = rows.filter((row) => networks.includes(row.network));
      const last = networks.flatMap((network) => here.findLast((row) => row.network === network && !isLive(row)) ?? []);
      return [...here.filter(isLive), ...last];
    },
    async within(network) {
      return { ours: rows.filter((row) => isLive(row) && contains(network, row.network)).length, foreign: 0 };
    },
    async due(limit) {
      const { isOpen } = await runsOf();
      const due = rows.filter(
        (row) => isLive(row) && row.due !== null && row.due <= clock.ms() && !(row.state === "pending" && isOpen(row.run_id)),
      );
      return due.slice(0, limit).map((row) => {
        if (row.state === "pending") return set(row, { due: clock.ms() + 10 * MINUTE_MS });
        const expired = { version: row.version + 1, released_by: "expiry", release_run: null, tries: 0 };
        return set(row, { state: "releasing", due: clock.ms() + 2 * MINUTE_MS, ...(row.state === "blocked" && expired) });
      });
    },
  };
}
