import formbody from "@fastify/formbody";
import type { FastifyInstance } from "fastify";

/** Thrown for a body that is not JSON; each platform has its own words for it. */
export class UnreadableBody extends Error {
  override readonly name = "UnreadableBody";
  readonly statusCode = 400;
}

function readJson(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnreadableBody("the body is not JSON", { cause });
  }
}

/** Text fields of a multipart body; files become their name, because no emulator keeps files yet. */
async function readMultipart(body: Buffer, contentType: string): Promise<Record<string, string>> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } }).formData();
    return Object.fromEntries([...form].map(([name, value]) => [name, typeof value === "string" ? value : value.name]));
  } catch (cause) {
    throw new UnreadableBody("the body is not multipart/form-data", { cause });
  }
}

/** Lets an API take JSON (an empty body is {}), forms and multipart, as the real platforms do. */
export function readBodies(app: FastifyInstance): void {
  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, readJson(String(text)));
    } catch (thrown) {
      done(thrown as Error);
    }
  });
  app.addContentTypeParser("multipart/form-data", { parseAs: "buffer" }, (request, body, done) => {
    readMultipart(Buffer.from(body), request.headers["content-type"] ?? "").then((fields) => done(null, fields), done);
  });
  app.register(formbody);
}
