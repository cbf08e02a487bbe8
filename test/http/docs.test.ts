import { describe, expect, it } from "vitest";
import type { HttpDeps } from "../../http/deps.ts";
import { curlCommand } from "../../http/docs/curl.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

const HERE = { host: "127.0.0.1:8080" };
const BROWSER = { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" };

function get(url: string, headers: Record<string, string>, overrides: Partial<HttpDeps> = {}) {
  return createServer(createDesk(overrides).deps).inject({ url, headers });
}

describe("/docs", () => {
  it("shows every command, and every example as curl", async () => {
    const page = await get("/docs", HERE);
    expect(page.statusCode).toBe(200);
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.body).toContain("/api/v1/commands/say_again");
    expect(page.body).toContain("Repeats words");
    expect(page.body).toContain("curl -s &#39;ORIGIN/api/v1/commands/lamp_on&#39;");
    expect(page.body).toContain("-d &#39;{&quot;room&quot;:&quot;hall&quot;}&#39;");
  });

  it("asks nothing of anywhere else, and runs nothing but its own script", async () => {
    const page = await get("/docs", HERE);
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toMatch(/default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect([...page.body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, url]) => url)).toEqual([
      "data:,",
      "/docs/page.css",
      "/docs/page.js",
      "/openapi.json",
    ]);
    expect(page.body).not.toMatch(/<script(?! src="\/docs\/page.js" defer>)|style=|\son\w+=/i);
    for (const [url, type] of [
      ["/docs/page.css", "text/css"],
      ["/docs/page.js", "text/javascript"],
    ] as const) {
      const asset = await get(url, { host: "anywhere.example" });
      expect(asset.headers["content-type"]).toContain(type);
      expect(asset.body).not.toMatch(/https?:\/\/|@import|url\(/);
    }
  });

  it("is what its reader may run, in their language, and kept by nobody", async () => {
    const vera = await get("/docs", { ...bearer("vera"), "accept-language": "ko" });
    expect(vera.body).toContain("말을 반복합니다");
    expect(vera.body).not.toContain("lamp_on");
    expect(vera.headers).toMatchObject({ "cache-control": "no-store", vary: "authorization, accept-language", "content-language": "ko" });
    expect((await get("/docs", bearer("olga"))).body).toContain("lamp_on");
  });
});

describe("who may see it", () => {
  const others = { sandbox: false, host: "0.0.0.0" };

  it.each(["/docs", "/openapi.json"])("%s: everyone on this machine, as a viewer; the sandbox's admin everything", async (url) => {
    const nobody = await get(url, HERE, { sandbox: false });
    expect(nobody.statusCode).toBe(200);
    expect(nobody.body).toContain("say_again");
    expect(nobody.body).not.toContain("lamp_on");
    expect((await get(url, HERE)).body).toContain("lamp_on");
  });

  it.each(["/docs", "/openapi.json"])("%s: elsewhere a viewer's key", async (url) => {
    expect((await get(url, HERE, others)).json()).toMatchObject({ status: 401, code: "unauthenticated" });
    expect((await get(url, bearer("ivy"), others)).statusCode).toBe(url === "/docs" ? 403 : 200);
    expect((await get(url, bearer("rex"), others)).statusCode).toBe(403);
    expect((await get(url, bearer("vera"), others)).statusCode).toBe(200);
  });

  it.each(["/docs", "/openapi.json"])("%s: a wrong key is never taken for none, a foreign page for nobody", async (url) => {
    expect((await get(url, { ...HERE, ...BROWSER, authorization: "Bearer wrong" }, { sandbox: false })).statusCode).toBe(401);
    expect((await get(url, { ...HERE, origin: "https://evil.example" })).statusCode).toBe(403);
    expect((await get(url, { host: "evil.example" }, { sandbox: false })).statusCode).toBe(401);
  });

  it("a browser without a key gets a page that asks for one and tells nothing", async () => {
    const door = await get("/docs", BROWSER, others);
    expect(door.statusCode).toBe(401);
    expect(door.headers["content-type"]).toContain("text/html");
    expect(door.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(door.body).toContain('type="password"');
    expect(door.body).not.toMatch(/say_again|lamp/);
    expect((await get("/openapi.json", BROWSER, others)).headers["content-type"]).toContain("application/problem+json");
  });
});

describe("a curl command", () => {
  it("is one word where a word is put in", () => {
    const body = { words: `it's $(rm -rf /) "quoted" \`x\`` };
    const line = curlCommand({ method: "POST", url: "http://desk/a?b=c&d", body }, { keyless: true });
    expect(line).toBe(
      `curl -s 'http://desk/a?b=c&d' \\\n  -H 'content-type: application/json' \\\n  -d '{"words":"it'\\''s $(rm -rf /) \\"quoted\\" \`x\`"}'`,
    );
  });

  it("names its method where curl would take another, and the key where one is needed", () => {
    expect(curlCommand({ method: "GET", url: "u" }, { keyless: true })).toBe("curl -s 'u'");
    expect(curlCommand({ method: "DELETE", url: "u" }, { keyless: false })).toBe(
      `curl -s -X DELETE 'u' \\\n  -H "authorization: Bearer $SWITCHBOARD_KEY"`,
    );
  });
});
