import { readFileSync } from "node:fs";
import { chmod, cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../core/config.ts";
import { startProgram } from "../proof/process.ts";
import { ROOT } from "./support/source.ts";

/** No Docker runs here: what the files say is held against what the program wants. */
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const Service = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
});
const Compose = z.object({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) });
const { services, volumes } = Compose.parse(parse(read("compose.yaml"), { merge: true }));
const lines = read("Dockerfile")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
const instruction = (name: string) => last.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
const environment = Object.fromEntries(
  instruction("ENV").flatMap((line) => line.split(" ").map((pair) => pair.split("=") as [string, string])),
);
/** What compose puts in the place of `${NAME:?words}`. */
const filled = (value: string) =>
  value.replaceAll(/\$\{(\w+):\?[^}]*\}/g, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");

describe("the Dockerfile", () => {
  it("is built on a pinned Node that package.json admits", () => {
    const version = /^ARG NODE=(\d+)\.(\d+)\.(\d+)-bookworm-slim$/m.exec(read("Dockerfile"));
    expect(JSON.parse(read("package.json"))).toMatchObject({ engines: { node: ">=20.19" } });
    expect([Number(version?.[1]), Number(version?.[2]) >= 19]).toEqual([20, true]);
    expect(lines.filter((line) => line.startsWith("FROM ")).every((line) => line.startsWith("FROM node:$" + "{NODE}"))).toBe(true);
  });

  it("installs what the lock file says, and for running no tools", () => {
    expect(lines.filter((line) => /npm (install|i) /.test(line))).toEqual([]);
    const [build, dependencies] = lines.filter((line) => line.startsWith("RUN npm ci"));
    expect([build, dependencies]).toEqual([expect.not.stringContaining("--omit"), expect.stringContaining("--omit=dev")]);
  });

  it("takes what the program needs: what it copies, and nothing else, starts and serves", async () => {
    const app = await mkdtemp(join(tmpdir(), "switchboard-image-"));
    onTestFinished(() => rm(app, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }));
    // The embedded PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(app, 0o711);
    for (const line of instruction("COPY")) {
      const [to = "", from = ""] = line.split(" ").toReversed();
      const name = from.replace("/app/", "");
      if (name === "node_modules") await symlink(join(ROOT, name), join(app, name));
      else await cp(join(ROOT, name), to === "./" ? join(app, name) : join(app, to), { recursive: true });
    }
    const env = { DATA_DIR: join(app, "data"), PORT: "0", NODE_ENV: "production" };
    const program = await startProgram("bin/switchboard.js", { args: ["serve"], env, cwd: app, dist: join(app, "dist") });
    onTestFinished(() => program.kill());
    for (const page of ["/readyz", "/docs", "/openapi.json"]) expect((await fetch(`${program.url}${page}`)).status).toBe(200);
    expect(await program.stop()).toBe(0);
  });

  it("runs as nobody special, gets signals itself, and is asked whether it lives", () => {
    expect(instruction("USER")).toEqual(["node"]);
    expect(instruction("STOPSIGNAL")).toEqual(["SIGTERM"]);
    expect(instruction("CMD")).toEqual(['["node", "dist/bin/switchboard.js", "serve"]']);
    expect(instruction("HEALTHCHECK").join()).toMatch(
      /CMD \["node", "-e", "fetch\(`http:\/\/127\.0\.0\.1:\$\{process\.env\.PORT\}\/healthz`\)/,
    );
    expect(instruction("EXPOSE")).toEqual([environment["PORT"]]);
    expect(instruction("VOLUME")).toEqual([environment["DATA_DIR"]]);
  });

  it("holds no secret", () => {
    expect(environment).toEqual({ NODE_ENV: "production", HOST: "0.0.0.0", PORT: "8080", DATA_DIR: "/data" });
    const allowed = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    expect(read(".dockerignore")).toMatch(/^\*$/m);
    expect(allowed.filter((line) => /env|data|generated|node_modules|dist|git/.test(line))).toEqual([]);
  });

  it("lets in every folder that is compiled", () => {
    const { include } = z.object({ include: z.array(z.string()) }).parse(JSON.parse(read("tsconfig.build.json")));
    const allowed = read(".dockerignore").split("\n");
    expect(include.filter((folder) => folder !== "prisma/generated" && !allowed.includes(`!${folder}`))).toEqual([]);
  });
});

describe("compose.yaml", () => {
  const ours = [services["switchboard"], services["workers"]];

  it("gives settings that Switchboard takes", () => {
    for (const service of ours) {
      const env = Object.fromEntries(Object.entries(service?.environment ?? {}).map(([name, value]) => [name, filled(value)]));
      expect(parseConfig(env, "/app")).toMatchObject({ host: "0.0.0.0", port: 8080, data_dir: "/data", redis: { require_aof: true } });
      expect(env["DATABASE_URL"]).toMatch(/@postgres:5432\/switchboard$/);
    }
    expect(services["workers"]?.environment).toMatchObject({ ROLES: "workers" });
  });

  it("takes every secret from the environment, and says which is missing", () => {
    const secrets = Object.values(services).flatMap(({ environment = {} }) => Object.entries(environment));
    const open = secrets.filter(([name, value]) => /KEY|PASSWORD/.test(name) && !/^\$\{\w+:\?.+\}$/.test(value));
    expect(open).toEqual([]);
  });

  it("pins every store, keeps its data, and waits until it is healthy", () => {
    for (const [name, needs] of Object.entries(services["switchboard"]?.depends_on ?? {})) {
      expect([name, needs.condition]).toEqual([name, "service_healthy"]);
      expect(services[name]?.image).toMatch(/:v?\d+\.\d+(\.\d+)?(-bookworm)?$/);
      expect(services[name]?.healthcheck?.test?.[0]).toBe("CMD");
      expect(Object.keys(volumes)).toContain(services[name]?.volumes?.[0]?.split(":")[0]);
    }
    expect(Number(/^postgres:(\d+)/.exec(services["postgres"]?.image ?? "")?.[1])).toBeGreaterThanOrEqual(15);
  });

  it("has a Redis that forgets nothing", () => {
    const words = services["redis"]?.command?.join(" ");
    expect(words).toContain("--appendonly yes");
    expect(words).toContain("--maxmemory-policy noeviction");
  });

  it("opens no port to the world, and only Switchboard's", () => {
    const open = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(open).toEqual([["switchboard", "127.0.0.1:8080:8080"]]);
  });

  it("asks no process for HTTP that serves none", () => {
    expect(services["workers"]?.healthcheck).toEqual({ disable: true });
    expect(services["switchboard"]?.healthcheck).toBeUndefined();
  });
});
