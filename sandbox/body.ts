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

/** A file that came in a multipart body. */
export class UploadedFile {
  readonly name: string;
  readonly media_type: string;
  readonly bytes: Buffer;

  constructor(name: string, media_type: string, bytes: Buffer) {
    this.name = name;
    this.media_type = media_type;
    this.bytes = bytes;
  }
}

/** The fields of a multipart body: texts, and files. */
async function readMultipart(body: Buffer, contentType: string): Promise<Record<string, string | UploadedFile>> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } }).formData();
    const fields: Record<string, string | UploadedFile> = {};
    for (const [name, value] of form)
      fields[name] = typeof value === "string" ? value : new UploadedFile(value.name, value.type, Buffer.from(await value.arrayBuffer()));
    return fields;
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
