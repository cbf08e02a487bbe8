import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { createServer } from "../../http/server.ts";
import { createDesk } from "./desk.ts";

/** A platform that shows "open sesame" and tells of what it says, byte for byte. */
function open(fails?: Error) {
  const received: string[] = [];
  const verify = (headers: Readonly<Record<string, unknown>>, body: Buffer) => headers["x-word"] === "open sesame" && Buffer.isBuffer(body);
  const receive = async (body: Buffer) => {
    if (fails) throw fails;
    received.push(body.toString());
  };
  const { deps } = createDesk({ webhooks: { cave: { verify, receive } } });
  const server = createServer(deps);
  const call = (payload: string | Buffer, headers: Record<string, string> = { "x-word": "open sesame" }, url = "/webhooks/cave") =>
    server.inject({ method: "POST", url, headers, payload });
  return { call, received, server };
}

describe("a webhook", () => {
  it.each([{ "content-type": "application/json" }, { "content-type": "text/plain" }, {}])(
    "takes the bytes as they are: %o",
    async (type) => {
      const { call, received } = open();
      expect((await call('{ "a" : 1 }', { "x-word": "open sesame", ...(type as Record<string, string>) })).statusCode).toBe(200);
      expect(received).toEqual(['{ "a" : 1 }']);
    },
  );

  it("hears nobody who does not know the word, and asks for no key", async () => {
    const { call, received } = open();
    for (const headers of [{}, { "x-word": "open" }, { authorization: "Bearer key-of-ada" }] as Record<string, string>[]) {
      const response = await call("{}", headers);
      expect(response.json()).toMatchObject({ status: 401, code: "unauthenticated", detail: "en:http.webhook_refused" });
    }
    expect(received).toEqual([]);
  });

  it.each([
    [new OpsError("bad_request", "no event"), 400, undefined],
    [new OpsError("unavailable", "no database"), 503, "5"],
    [new Error("boom"), 500, undefined],
  ])("that cannot be taken is answered for what it is: %s", async (error, status, retry_after) => {
    const response = await open(error).call("{}");
    expect([response.statusCode, response.headers["retry-after"]]).toEqual([status, retry_after]);
  });

  it("over 1 MiB is refused; other platforms and methods are not there", async () => {
    const { call, server } = open();
    expect((await call("x".repeat(1_048_577))).statusCode).toBe(413);
    expect((await call("{}", {}, "/webhooks/other")).statusCode).toBe(404);
    expect((await server.inject({ method: "GET", url: "/webhooks/cave" })).statusCode).toBe(404);
  });
});
