import { type ChildProcess, spawn } from "node:child_process";

/** How a supervised program is started. */
export interface SuperviseOptions {
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Drops to this user first; only for root. */
  readonly uid?: number;
  readonly gid?: number;
  /** File descriptor for stdout and stderr, or `pipe`. */
  readonly output: number | "pipe";
}

// $1... is the program. fd 3 is the pipe that this process holds: it ends when we end, whatever the reason, and then the
// program is asked to stop (SIGINT is a fast shutdown of PostgreSQL). When the program ends first, its exit code is ours.
const SCRIPT = `exec 3<&0 </dev/null
"$@" 3<&- & program=$!
(read -r _ <&3; kill -INT "$program") 2>/dev/null & watcher=$!
exec 3<&-
wait "$program"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"`;

/**
 * Starts a program that ends when this process ends, even by SIGKILL. Ending the child's stdin asks it to stop.
 * It has its own session, so a Ctrl-C at the terminal reaches it only through us.
 * @param prefix a command that runs another, for example `setpriv ...`; the shell that watches runs under it too
 */
export function supervise(command: readonly string[], options: SuperviseOptions, prefix: readonly string[] = []): ChildProcess {
  const [file = "/bin/sh", ...rest] = [...prefix, "/bin/sh", "-c", SCRIPT, "sh", ...command];
  const { uid, gid } = options;
  const child = spawn(file, rest, {
    // A folder that every user may enter: ours may be closed to the user the program runs as.
    cwd: "/",
    env: { ...options.env },
    detached: true,
    stdio: ["pipe", options.output, options.output],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  // Whoever waits with `exited` hears of a program that cannot be started; a pipe broken by its end says nothing new.
  child.on("error", () => undefined);
  child.stdin?.on("error", () => undefined);
  return child;
}

/** Waits for the end of a child: its exit code, or null when a signal ended it. Rejects when it could not be started. */
export function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    child.once("error", reject);
    child.once("exit", resolve);
  });
}

/** Asks a supervised program to stop, and insists: SIGQUIT after `patience_ms`, SIGKILL after twice that. */
export async function stopSupervised(child: ChildProcess, patience_ms = 5_000): Promise<void> {
  const end = exited(child).catch(() => null);
  child.stdin?.end();
  const insist = (["SIGQUIT", "SIGKILL"] as const).map((signal, index) =>
    setTimeout(() => signalGroup(child, signal), patience_ms * (index + 1)),
  );
  await end;
  for (const timer of insist) clearTimeout(timer);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // it is gone already
  }
}
