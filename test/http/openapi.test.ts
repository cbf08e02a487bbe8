import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { INFRA_DIALECT } from "../../bin/app/dialects.ts";
import { commands } from "../../commands/index.ts";
import { slugOf } from "../../core/command.ts";
import { LOCALES } from "../../core/locale.ts";
import { createRegistry } from "../../core/registry.ts";
import { ROLES } from "../../core/request.ts";
import type { DialectRoute, HttpDeps } from "../../http/deps.ts";
import { createDirectory } from "../../http/directory.ts";
import { createOpenApi } from "../../http/openapi/document.ts";
import type { OpenApiDocument } from "../../http/openapi/operation.ts";
import { createServer } from "../../http/server.ts";
import { createAnswerCheck, type ExampleRequest, examplesOf, operationsOf } from "../support/openapi.ts";
import { loadTexts } from "../support/test-desk.ts";
import { bearer, createDesk } from "./desk.ts";

const OLD_LAMP: DialectRoute = {
  ...{ path: "/old/lamp", methods: ["GET", "POST"], command: "lamp_on", summary: "Light a lamp" },
  parameters: [
    { name: "room", description: "The room", example: "hall", is_input: true },
    { name: "chat_id", description: "The chat", example: "1001", is_input: false },
  ],
  chat: { parameter: "chat_id", platform: "telegram", form: /^\d+$/, gets_result: true },
  message: () => "received",
};

function desk(overrides: Partial<HttpDeps> = {}) {
  const made = createDesk({ dialects: [OLD_LAMP], ...overrides });
  const server = createServer(made.deps);
  const read = async (headers: Record<string, string>) => (await server.inject({ url: "/openapi.json", headers })).json<OpenApiDocument>();
  const ask = async ({ method, url, content_type, body }: ExampleRequest, headers: Record<string, string>) => {
    const type = content_type === undefined ? {} : { "content-type": content_type };
    const got = await server.inject({
      method: method as "GET",
      url,
      headers: { ...headers, ...type },
      ...(body !== undefined && { payload: body }),
    });
    return { status: got.statusCode, content_type: String(got.headers["content-type"]), body: got.body };
  };
  return { ...made, server, read, ask };
}

describe("the document of the product", () => {
  const directory = createDirectory(createRegistry(commands, loadTexts()));
  const of = (role: (typeof ROLES)[number], locale: (typeof LOCALES)[number] = "en") =>
    createOpenApi({ role, listings: directory.commands(role), dialects: INFRA_DIALECT, locale, keyless: false });

  it.each(ROLES.flatMap((role) => LOCALES.map((locale) => [role, locale] as const)))(
    "is OpenAPI 3.1 for %s in %s",
    async (role, locale) => {
      expect(await new Validator().validate(structuredClone(of(role, locale)) as never)).toMatchObject({ valid: true });
    },
  );

  it("holds every command with its role and effect, and every example fits its schema", () => {
    const document = of("admin");
    for (const command of commands) {
      const operation = document.paths[`/api/v1/commands/${slugOf(command)}`]?.post;
      expect(operation).toMatchObject({ summary: command.summary.en, "x-role": command.role, "x-execution": command.execution.mode });
      const examples = Object.values(operation?.requestBody?.content["application/json"]?.examples ?? {});
      expect(examples).toHaveLength(command.examples.en.length);
      for (const { value } of examples) expect(command.input.safeParse(value)).toMatchObject({ success: true });
    }
  });

  it("refers to nothing that is not there", () => {
    const document = of("admin");
    const refs = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
    expect(refs.length).toBeGreaterThan(50);
    for (const ref of new Set(refs)) {
      const path = ref.slice('"$ref":"#/'.length, -1).split("/");
      expect(
        path.reduce((value: unknown, key) => (value as Record<string, unknown>)?.[key], document),
        ref,
      ).toBeDefined();
    }
  });

  it("holds what its reader may run and no more", () => {
    const paths = Object.keys(of("viewer").paths);
    const hidden = commands.filter(({ role }) => role !== "viewer").map(slugOf);
    expect(hidden.length).toBeGreaterThan(2);
    expect(paths.filter((path) => hidden.some((slug) => path.endsWith(`/${slug}`)))).toEqual([]);
    expect(paths).toContain("/api/v1/cf/search");
    expect(paths).not.toContain("/api/v1/cf/block");
  });

  it.each([
    ["ingest", ["POST /api/collect", "POST /api/event", "GET /api/v1/events/{event_id}"]],
    ["viewer", ["GET /api/event", "GET /api/event/{user_id}", "POST /api/search", "GET /api/v1/events/{event_id}"]],
  ] as const)("shows an %s's key what it may do with events, and no more", (role, wanted) => {
    const shown = operationsOf(of(role)).filter(({ operation }) => operation.tags[0] === "Events");
    expect(shown.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([...wanted].toSorted());
  });

  it("shows a key that only sends events nothing else", () => {
    const others = operationsOf(of("ingest")).filter(({ operation }) => operation.tags[0] !== "Events");
    expect(others.map(({ path }) => path)).toEqual(["/healthz", "/readyz", "/openapi.json"]);
  });

  it("has one id for each operation", () => {
    const ids = operationsOf(of("admin")).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("every example", () => {
  it("runs, and its answer is as described", async () => {
    const { read, ask } = desk();
    const document = await read(bearer("ann"));
    const check = createAnswerCheck(document);
    const examples = examplesOf(document);
    expect(examples.length).toBeGreaterThan(12);
    for (const example of examples) {
      const got = await ask(example, bearer("ann"));
      expect([example.name, check(example, got)]).toEqual([example.name, []]);
      expect([example.name, got.status]).toEqual([example.name, example.url.endsWith("7k2m9qd04xvb") ? 404 : expect.toBeOneOf([200, 202])]);
    }
  });

  it("of something dangerous is asked first, as described, and so is what follows", async () => {
    const { read, ask, server } = desk();
    const document = await read(bearer("ann"));
    const check = createAnswerCheck(document);
    const path = "/api/v1/confirmations/{token}";
    for (const [method, status] of [
      ["POST", 202],
      ["DELETE", 200],
    ] as const) {
      const request = { method: "POST", url: "/api/v1/commands/lamp_on", path: "/api/v1/commands/lamp_on", name: "" };
      const question = await ask({ ...request, content_type: "application/json", body: '{"room":"cellar"}' }, bearer("ann"));
      expect(question.status).toBe(409);
      expect(check(request, question)).toEqual([]);
      const url = path.replace("{token}", JSON.parse(question.body).token);
      const answer = await ask({ method, url, path, name: "" }, bearer("ann"));
      expect([answer.status, check({ method, path }, answer)]).toEqual([status, []]);
      const gone = await ask({ method, url, path, name: "" }, bearer("ann"));
      expect([gone.status, check({ method, path }, gone)]).toEqual([404, []]);
    }
    expect((await server.inject({ url: "/api/v1/runs", headers: bearer("ann") })).json().runs).toHaveLength(1);
  });

  it("that is spoilt is refused as described", async () => {
    const { read, ask } = desk();
    const document = await read(bearer("ann"));
    const check = createAnswerCheck(document);
    const posts = examplesOf(document).filter(({ content_type }) => content_type === "application/json");
    for (const example of posts) {
      for (const body of ["{", '{"__nothing":1}', "[]"]) {
        const got = await ask({ ...example, body }, bearer("ann"));
        expect(got.status).toBeGreaterThanOrEqual(400);
        expect([example.name, check(example, got)]).toEqual([example.name, []]);
      }
      for (const name of ["nobody", "ivy"]) expect(check(example, await ask(example, bearer(name)))).toEqual([]);
    }
  });

  it("is held against the document: what it does not say is found", async () => {
    const check = createAnswerCheck(await desk().read(bearer("ann")));
    const at = { method: "POST", path: "/api/v1/commands/say_again" };
    const reply = { tone: "ok", title: "hey", text: "hey" };
    const found = (status: number, body: object, type = "application/json") =>
      check(at, { status, content_type: type, body: JSON.stringify(body) }).length;
    expect(found(200, { outcome: "done", output: { said: "hey" }, reply })).toBe(0);
    expect(found(200, { outcome: "done", output: { said: 1 }, reply })).toBeGreaterThan(0);
    expect(found(200, { outcome: "done", output: { said: "hey" }, reply, more: 1 })).toBeGreaterThan(0);
    expect(found(202, { outcome: "queued" })).toBeGreaterThan(0);
    expect(found(422, { code: "invalid_input" }, "application/problem+json")).toBeGreaterThan(0);
    expect(found(422, { outcome: "done" })).toBeGreaterThan(0);
  });

  it("is asked in the reader's language", async () => {
    const { read } = desk();
    const korean = await read({ ...bearer("vera"), "accept-language": "ko" });
    expect(korean.paths["/api/v1/commands/say_again"]?.post?.summary).toBe("말을 반복합니다");
    const french = await read({ ...bearer("vera"), "accept-language": "fr" });
    expect(french.paths["/api/v1/commands/say_again"]?.post?.summary).toBe("Repeats words");
  });
});

it("every route of the server is described, and no other", async () => {
  const { server, read } = desk();
  const described = operationsOf(await read(bearer("ann"))).map(({ method, path }) => `${method} ${path}`);
  await server.ready();
  const NOT_DESCRIBED = ["GET /", "GET /docs/page.css", "GET /docs/page.js"];
  const routes = described.filter((route) => {
    const [method = "", path = ""] = route.split(" ");
    return (
      server.findRoute({
        method: method as "GET",
        url: path.replace(/\/commands\/\w+$/, "/commands/:slug").replaceAll(/\{(\w+)\}/g, ":$1"),
      }) !== null
    );
  });
  expect(routes).toEqual(described);
  const tree = server.printRoutes({ commonPrefix: false });
  const served = [...tree.matchAll(/── (\S+) \(([^)]+)\)/g)].length;
  expect(tree).toContain(":slug (POST)");
  // Every served path: those described (the commands share one), and those that need no description.
  const paths = new Set(described.map((route) => route.split(" ")[1]?.replace(/\/commands\/\w+$/, "/commands/:slug")));
  expect(served).toBe(paths.size + NOT_DESCRIBED.length);
});
