import { posix } from "node:path";
import { importsOf, placeOf, type Source, visit } from "./source.ts";

/** Says what is wrong with a file; an empty list where nothing is. */
export type Rule = (source: Source) => string[];

const EVERYTHING = [
  "core",
  "commands",
  "clients",
  "bots",
  "jobs",
  "http",
  "search-seed",
  "sandbox",
  "web",
  "prisma",
  "bin",
  "proof",
  "bench",
];

/** Folder -> folders of ours that it may import besides itself. It is the table of the design; a new folder needs a row here. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  commands: ["core"],
  clients: ["core", "prisma"],
  bots: ["core"],
  jobs: ["core"],
  http: ["core"],
  "search-seed": ["core", "commands", "clients"],
  sandbox: [],
  web: [],
  prisma: [],
  examples: [],
  bin: EVERYTHING,
  bench: EVERYTHING,
  proof: EVERYTHING,
  test: EVERYTHING,
};

/** All that the pure folders may import from outside. */
const PURE = new Set(["zod", "croner", "ipaddr.js", "chrono-node", "node:net", "node:crypto"]);
const PURE_FOLDERS = ["core", "commands"];

/** Package -> the only place of the product that may import it. `prisma` is our own folder of generated code. */
const HOMES: readonly (readonly [name: RegExp, home: string])[] = [
  [/^(grammy|@grammyjs\/.*)$/, "bots/telegram/"],
  [/^(bullmq|ioredis)$/, "clients/"],
  [/^(@prisma\/.*|prisma|pg)$/, "clients/postgres/"],
  [/^cloudflare$/, "clients/cloudflare"],
  [/^i18next$/, "clients/texts.ts"],
  [/^@resvg\/.*$/, "clients/chart/"],
  [/^(fastify|@fastify\/.*)$/, "http/"],
  [/^telegraf$/, "test/"],
];
/** Places that look at the parts from outside, with whatever tool fits; the sandbox is a server of its own. */
const OUTSIDERS = /^(test|proof|bench)\/|^sandbox\/|^[^/]+\.config\.ts$/;

/** The top folder of a path. */
export const folderOf = (path: string): string => path.split("/")[0] ?? "";

/** What a specifier names: the path of a file of ours, a package, or a part of Node. */
function targetOf(path: string, specifier: string): { readonly own: boolean; readonly name: string } {
  if (specifier.startsWith(".")) return { own: true, name: posix.join(posix.dirname(path), specifier) };
  const [scope = "", name = ""] = specifier.split("/");
  return { own: false, name: scope.startsWith("@") ? `${scope}/${name}` : scope };
}

/** Folders import only what the table lets them. */
export const folders: Rule = (source) => {
  if (source.path.endsWith(".config.ts")) return [];
  const folder = folderOf(source.path);
  const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
  const targets = importsOf(source).map((specifier) => targetOf(source.path, specifier));
  const strangers = targets.filter(({ own, name }) => own && !allowed.includes(folderOf(name)));
  return strangers.map(({ name }) => `${source.path} may not import ${name}`);
};

/** A platform knows nothing of another platform. */
export const platforms: Rule = (source) => {
  const platform = /^bots\/[^/]+\//.exec(source.path)?.[0];
  if (!platform) return [];
  const targets = importsOf(source).map((specifier) => targetOf(source.path, specifier).name);
  const others = targets.filter((name) => /^bots\/[^/]+\//.test(name) && !name.startsWith(platform));
  return others.map((name) => `${source.path} may not import ${name}, another platform`);
};

/** A package is imported in its home alone, and the pure folders import next to nothing. */
export const packages: Rule = (source) => {
  const { path } = source;
  const pure = PURE_FOLDERS.includes(folderOf(path));
  return importsOf(source).flatMap((specifier) => {
    const { own, name } = targetOf(path, specifier);
    const known = own ? folderOf(name) : name;
    if (pure && !own && !PURE.has(name)) return [`${path} may not import ${name}: ${folderOf(path)} is pure`];
    const home = OUTSIDERS.test(path) ? undefined : HOMES.find(([pattern]) => pattern.test(known))?.[1];
    return home && !path.startsWith(home) ? [`${path} may not import ${name}: its home is ${home}`] : [];
  });
};

const MAY_READ_ENVIRONMENT = /^(bin|proof|bench|examples|test)\/|^sandbox\/main\.ts$|^[^/]+\.config\.ts$/;

/** Settings come through one door; whoever takes `process` apart is asked why. */
export const environment: Rule = (source) => {
  const found: string[] = [];
  if (MAY_READ_ENVIRONMENT.test(source.path)) return found;
  const report = (node: { start: number; end: number }) => found.push(`${placeOf(source, node)} reads the environment`);
  visit(source, {
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.object.name !== "process") return;
      if (/^(env|\["env"\]|\['env'\])$/.test(source.text.slice(node.object.end, node.end).replace(/^\??\./, ""))) report(node);
    },
    VariableDeclarator: (node) => node.init?.type === "Identifier" && node.init.name === "process" && report(node),
    ImportDeclaration: (node) => /^(node:)?process$/.test(node.source.value) && report(node),
  });
  return found;
};

/** Globals that bring time, chance or the outside world. */
const AMBIENT =
  /^(setTimeout|setInterval|setImmediate|fetch|performance|process|crypto|console|globalThis|WebSocket|Date\.now|Math\.random|AbortSignal\.(timeout|any))$/;
/** The one place of the pure folders that keeps time: a command's time limit. */
const TIMEKEEPER = "core/execute.ts";

/** No clock, no chance and no input or output in the pure folders. */
export const purity: Rule = (source) => {
  const found: string[] = [];
  if (!PURE_FOLDERS.includes(folderOf(source.path))) return found;
  const report = (node: { start: number; end: number }, what: string) => {
    if (what !== "setTimeout" || source.path !== TIMEKEEPER) found.push(`${placeOf(source, node)} uses ${what}`);
  };
  visit(source, {
    CallExpression({ callee }) {
      if (callee.type === "Identifier" && (AMBIENT.test(callee.name) || callee.name === "Date")) report(callee, callee.name);
    },
    MemberExpression(node) {
      const words = source.text.slice(node.start, node.end);
      const object = node.object.type === "Identifier" ? node.object.name : "";
      if (AMBIENT.test(words) || AMBIENT.test(object)) report(node, words);
    },
    NewExpression(node) {
      if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) report(node, "new Date()");
    },
    ImportSpecifier: (node) => /^(random|generate)/.test(node.local.name) && report(node, node.local.name),
  });
  return found;
};

/** A thing has one name, wherever it is imported. Tools want their configuration as a default export. */
export const defaultExports: Rule = (source) => {
  const found: string[] = [];
  if (source.path.endsWith(".config.ts")) return found;
  visit(source, {
    ExportDefaultDeclaration: (node) => found.push(`${placeOf(source, node)} is a default export`),
    ExportSpecifier: (node) =>
      source.text.slice(node.exported.start, node.exported.end) === "default" && found.push(`${placeOf(source, node)} is a default export`),
  });
  return found;
};

/** Programs, which are meant to do something when they are started. */
const PROGRAM = /^bin\/[^/]+\.ts$|\/main\.ts$|^examples\/|^test\//;

/** A module may be imported by anyone at any time, so it does nothing by itself. */
export const importEffects: Rule = (source) => {
  if (PROGRAM.test(source.path)) return [];
  const statements = source.parsed.program.body.filter(({ type }) => type === "ExpressionStatement");
  return statements.map((statement) => `${placeOf(source, statement)} does something at import`);
};

/** The names in `defineCommand({ name: "..." })`. */
export function commandNames(sources: readonly Source[]): string[] {
  const names: string[] = [];
  for (const source of sources.filter(({ path }) => path.startsWith("commands/"))) {
    visit(source, {
      CallExpression({ callee, arguments: [declaration] }) {
        if (callee.type !== "Identifier" || callee.name !== "defineCommand" || declaration?.type !== "ObjectExpression") return;
        const name = /^\{\s*name: "([a-z ]+)"/.exec(source.text.slice(declaration.start, declaration.end))?.[1];
        if (name) names.push(name);
      },
    });
  }
  return names;
}

/** Adapters and workers serve every command alike. A name of one word counts where it is the whole literal, or is typed as a command. */
export function surfaces(names: readonly string[]): Rule {
  const long = names.filter((name) => name.includes(" ")).flatMap((name) => [name, name.replaceAll(" ", "_")]);
  const named = new RegExp(`\\b(${long.join("|") || "$^"})\\b|^/?(${names.join("|")})$`);
  return (source) => {
    const found: string[] = [];
    if (!/^(bots|http|jobs)\//.test(source.path)) return found;
    const check = (node: { start: number; end: number }, words: string) =>
      named.test(words) && found.push(`${placeOf(source, node)} names the command ${words}`);
    visit(source, {
      Literal: (node) => check(node, typeof node.value === "string" ? node.value : (node.raw ?? "")),
      TemplateElement: (node) => check(node, node.value.raw),
      Identifier: (node) => node.name.includes("_") && check(node, node.name),
    });
    return found;
  };
}
