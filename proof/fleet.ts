import { type Program, startProgram } from "./process.ts";
import { freePort } from "./servers.ts";

/** A process of Switchboard, and how it is started again. */
interface Ship {
  readonly roles: string;
  readonly env: Readonly<Record<string, string>>;
  program: Program | null;
}

/** The processes of one Switchboard. */
export interface Fleet {
  /** Where HTTP is served, by one or several of them. */
  readonly urls: readonly string[];
  /** Ends one of them, picked by chance, with SIGKILL. @returns which roles it had */
  killOne(): Promise<string>;
  /** Starts what was killed. */
  mend(): Promise<void>;
  /** Everything that all of them printed, also those that were killed. */
  output(): string;
  /** Resident memory of each process, in MB. */
  pids(): readonly number[];
  /** Ends all of them. */
  end(): Promise<void>;
}

/** Everything in one process. */
export const ALONE: readonly string[] = ["all"];
/** As a small team runs it on several machines. */
export const SCALED: readonly string[] = ["http", "http", "workers", "workers", "bots", "scheduler"];

/**
 * Starts a process for each of these roles, all on the same settings.
 * @param env must name a database where there is more than one
 */
export async function startFleet(roles: readonly string[], env: Readonly<Record<string, string>>): Promise<Fleet> {
  const ships: Ship[] = [];
  const programs: Program[] = [];
  for (const each of roles) {
    const PORT = String(await freePort());
    ships.push({ roles: each, env: { ...env, ROLES: each, PORT }, program: null });
  }
  const launch = async (ship: Ship) => {
    ship.program = await startProgram("bin/switchboard.js", { args: ["serve"], env: ship.env, ...(isMute(ship) && { says: /^roles: /m }) });
    programs.push(ship.program);
  };
  for (const ship of ships) await launch(ship);
  const urls = ships.filter((ship) => !isMute(ship)).map(({ env: { PORT } }) => `http://127.0.0.1:${PORT}`);
  return {
    urls,
    async killOne() {
      const living = ships.filter(({ program }) => program !== null);
      const ship = living[Math.floor(Math.random() * living.length)];
      await ship?.program?.kill();
      if (ship) ship.program = null;
      return ship?.roles ?? "";
    },
    async mend() {
      for (const ship of ships) if (ship.program === null) await launch(ship);
    },
    output: () => programs.map((program) => program.output()).join(""),
    pids: () => ships.flatMap(({ program }) => program?.pid ?? []),
    async end() {
      await Promise.all(ships.map(({ program }) => program?.kill()));
    },
  };
}

/** Whether it has no HTTP of its own. */
function isMute({ roles }: Ship): boolean {
  return !["all", "http"].includes(roles);
}
