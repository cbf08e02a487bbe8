import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import type { OpenApiDocument } from "../../http/openapi/operation.ts";
import { createAnswerCheck, type ExampleRequest, examplesOf, operationsOf } from "../support/openapi.ts";
import { send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld();

async function ask({ method, url, content_type, body }: ExampleRequest) {
  const headers = content_type === undefined ? {} : { "content-type": content_type };
  const got = await send(`${world.program().url}${url}`, { method, key: world.key("admin"), headers, ...(body !== undefined && { body }) });
  return { status: got.status, content_type: got.headers.get("content-type") ?? "", body: got.text };
}

const read = async (role: "viewer" | "admin") =>
  (await send(`${world.program().url}/openapi.json`, { key: world.key(role) })).json as unknown as OpenApiDocument;

it("every example of the served document runs, and its answer is as described", async () => {
  const document = await read("admin");
  expect(await new Validator().validate(structuredClone(document) as never)).toMatchObject({ valid: true });
  const check = createAnswerCheck(document);
  const examples = examplesOf(document);
  expect(examples.length).toBeGreaterThan(20);
  for (const example of examples) {
    const got = await ask(example);
    expect([example.name, check(example, got)]).toEqual([example.name, []]);
    expect([example.name, got.status, got.body]).toEqual([example.name, expect.toBeOneOf(expected(document, example)), got.body]);
  }
});

/** What an example may come to: done, accepted or asked first; 404 where it names a run, for there is none of that name here. */
function expected(document: OpenApiDocument, { method, path }: ExampleRequest): number[] {
  const operation = operationsOf(document).find((each) => each.method === method && each.path === path)?.operation;
  if (operation?.["x-effect"] === "dangerous") return [409];
  return [200, 202, 409, ...(/run/.test(path) ? [404] : [])];
}

it("the page and the document need a key where requests without one are nobody's", async () => {
  expect(Object.keys((await read("viewer")).paths)).not.toContain("/api/v1/commands/cf_block");
  const page = await send(`${world.program().url}/docs`, { key: world.key("viewer") });
  expect(page.text).toMatch(/^<!doctype html>/);
  // On this machine everyone is a viewer; a page elsewhere is not on this machine.
  expect((await send(`${world.program().url}/docs`)).status).toBe(200);
  expect((await send(`${world.program().url}/openapi.json`, { headers: { origin: "https://evil.example" } })).status).toBe(401);
  for (const asset of ["page.css", "page.js"])
    expect((await send(`${world.program().url}/docs/${asset}`)).text.length).toBeGreaterThan(500);
});
