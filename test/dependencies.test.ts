import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ROOT } from "./support/source.ts";

/** The oldest Node that Switchboard promises to run on: `engines` in package.json. */
const OLDEST_NODE = [20, 19, 0] as const;

type Version = readonly [major: number, minor: number, patch: number];

const Versions = z.record(z.string(), z.string()).default({});
const Manifest = z.object({ dependencies: Versions, devDependencies: Versions, optionalDependencies: Versions });
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      engines: z.object({ node: z.string().optional() }).optional(),
      optionalDependencies: Versions,
    }),
  ),
});

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), "utf8"));

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * Whether one condition of a range holds: `>=20.19`, `<23`, `^18`, `20.x`, `*`.
 * @throws Error for a form that is not understood, so that nothing passes unread
 */
function holds(condition: string, node: Version): boolean {
  const parts = /^(>=|<|\^|)v?(\d+|\*)(?:\.(\d+|x))?(?:\.(\d+|x))?$/.exec(condition);
  if (!parts) throw new Error(`cannot read the version condition "${condition}"`);
  const [, operator, major = "*", minor, patch] = parts;
  if (major === "*") return true;
  const part = (words: string | undefined) => (words === undefined || words === "x" ? 0 : Number(words));
  const bound: Version = [part(major), part(minor), part(patch)];
  if (operator === ">=") return compare(node, bound) >= 0;
  if (operator === "<") return compare(node, bound) < 0;
  if (node[0] !== bound[0]) return false;
  if (operator === "^") return compare(node, bound) >= 0;
  return [minor, patch].every((words, at) => words === undefined || words === "x" || Number(words) === node[at + 1]);
}

/** Whether a range of npm's `engines` admits a version of Node: alternatives by `||`, conditions by space. */
function admits(range: string, node: Version): boolean {
  const alternatives = range.replace(/(>=|<|\^)\s+/g, "$1").split("||");
  return alternatives.some((alternative) =>
    alternative
      .trim()
      .split(/\s+/)
      .every((condition) => holds(condition || "*", node)),
  );
}

describe("the dependencies", () => {
  const { packages } = Lock.parse(read("package-lock.json"));
  const production = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional);

  it("all admit Node 20.19", () => {
    const refusing = production.filter(([, { engines }]) => engines?.node !== undefined && !admits(engines.node, OLDEST_NODE));
    expect(production.length).toBeGreaterThan(0);
    expect(refusing.map(([path, { version, engines }]) => `${path} ${version} needs Node ${engines?.node}`)).toEqual([]);
  });

  it("are in the lock file for every platform: npm ci refuses one that lacks a platform's binary", () => {
    const locked = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)));
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies));
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });

  it("are pinned: what was tested is what is installed", () => {
    const manifest = Manifest.parse(read("package.json"));
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies });
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe("a range of Node versions", () => {
  it.each([">=20.19", ">= 18", "^20.19 || ^22.12 || >=24.0", "*", "20.x", "20", "v20.19.0", ">=18 <21", "4.x || >=6.0.0"])(
    "%s admits 20.19.0",
    (range) => {
      expect(admits(range, OLDEST_NODE)).toBe(true);
    },
  );

  it.each([">=22", ">=20.19.1", "^22.12 || >=24.0", "20.18.x", "18", "^20.20", ">=18 <20"])("%s does not", (range) => {
    expect(admits(range, OLDEST_NODE)).toBe(false);
  });

  it("that cannot be read is an error", () => {
    expect(() => admits("~20 - 22", OLDEST_NODE)).toThrow('"~20"');
  });
});
