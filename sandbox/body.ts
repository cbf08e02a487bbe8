import { Busboy } from "@fastify/busboy";
import formbody from "@fastify/formbody";
import type { FastifyInstance } from "fastify";

/** The longest text in a form; more than any parameter may have. */
const FIELD_BYTES = 1 << 20;

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

/**
 * The fields of a multipart body: texts, and files. (Node's own `formData()` refuses bodies that real clients write, such as grammY's
 * `content-disposition:form-data;name="x"` without a space.)
 */
function readMultipart(body: Buffer, contentType: string): Promise<Record<string, string | UploadedFile>> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(new UnreadableBody("the body is not multipart/form-data", { cause }));
    const fields: Record<string, string | UploadedFile> = {};
    try {
      const form = new Busboy({ headers: { "content-type": contentType }, limits: { fieldSize: FIELD_BYTES } });
      form.on("field", (name, value) => {
        fields[name] = value;
      });
      form.on("file", (name, stream, fileName, _encoding, mediaType) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          fields[name] = new UploadedFile(fileName, mediaType, Buffer.concat(parts));
        });
      });
      form.on("finish", () => resolve(fields));
      form.on("error", fail);
      form.end(body);
    } catch (thrown) {
      fail(thrown);
    }
  });
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
