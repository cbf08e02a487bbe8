import { execFileSync } from "node:child_process";
import { chmod, chown, stat } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { closedClone, emptyFolder, openProject, startChild } from "../../support/embedded.ts";
import { withClient } from "../../support/postgres.ts";

const IS_ROOT = process.getuid?.() === 0;
const CAN_PASS = IS_ROOT && works("setpriv", ["--version"]);
const CAN_BE_NOBODY = IS_ROOT && works("setpriv", ["--reuid=12345", "--clear-groups", "unshare", "--user", "--map-user=65534", "true"]);

function works(file: string, rest: readonly string[]): boolean {
  try {
    execFileSync(file, rest, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function startsAndStops(...given: Parameters<typeof startChild>) {
  const child = await startChild(...given);
  expect(child.first).toMatchObject({ event: "ready" });
  const { rows } = await withClient(child.first.connection, (client) => client.query("SELECT 1 AS one"));
  expect(rows).toEqual([{ one: 1 }]);
  await child.stop();
}

beforeAll(() => {
  if (!IS_ROOT) process.stdout.write("skipped: only root can try other users\n");
  else if (!CAN_PASS) process.stdout.write("skipped in part: setpriv (util-linux) is not installed\n");
  else if (!CAN_BE_NOBODY) process.stdout.write("skipped in part: this machine has no user namespaces for ordinary users\n");
});

describe.skipIf(!IS_ROOT)("as an ordinary user", () => {
  it("runs as that user", async () => {
    const folder = await emptyFolder("/tmp");
    await chown(folder, 65_534, 65_534);
    await startsAndStops(path.join(folder, "data"), { uid: 65_534, project: await openProject() });
  });

  it.skipIf(!CAN_BE_NOBODY)("runs as a user without a name, as in a container", async () => {
    const folder = await emptyFolder("/tmp");
    await chown(folder, 12_345, 12_345);
    await startsAndStops(path.join(folder, "data"), { uid: 12_345, project: await openProject() });
    expect((await stat(path.join(folder, "data/postgres/data"))).uid).toBe(12_345);
  });

  it("says so when the folder is another's", async () => {
    const folder = await emptyFolder("/tmp");
    await startsAndStops(path.join(folder, "data"));
    const child = await startChild(path.join(folder, "data"), { uid: 12_345, project: await openProject() });
    expect(child.first).toMatchObject({ event: "refused", code: "unavailable", message: expect.stringContaining("DATA_DIR") });
  });

  it.skipIf(!CAN_BE_NOBODY)("shares its folder with root, in turn", async () => {
    const folder = await emptyFolder("/tmp");
    await chown(folder, 12_345, 12_345);
    const project = await openProject();
    for (const as of [{ uid: 12_345 }, {}, { uid: 12_345 }]) await startsAndStops(path.join(folder, "data"), { ...as, project });
  });
});

describe.skipIf(!CAN_PASS)("as root in a folder nobody else may enter", () => {
  it("runs with the right to pass, twice", async () => {
    const project = await closedClone();
    await startsAndStops(path.join(project, ".data"), { project });
    await startsAndStops(path.join(project, ".data"), { project });
  });

  it("runs with the rights that Docker leaves to root", async () => {
    const project = await closedClone();
    const prefix = ["setpriv", "--bounding-set=-dac_read_search,-sys_admin,-sys_ptrace,-sys_resource"];
    await startsAndStops(path.join(project, ".data"), { project, prefix });
  });

  it("says what to do when it has no right to give", async () => {
    const project = await closedClone();
    await chmod(project, 0o755);
    const closed = path.join(project, "closed");
    const prefix = ["setpriv", "--bounding-set=-dac_read_search,-setpcap"];
    const child = await startChild(path.join(closed, "data"), {
      prefix: ["sh", "-c", 'umask 077; mkdir -p "$1"; shift; exec "$@"', "sh", closed, ...prefix],
    });
    expect(child.first).toMatchObject({ event: "refused", code: "unavailable", message: expect.stringMatching(/ordinary user/) });
  });
});
