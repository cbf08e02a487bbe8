import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { HttpDeps } from "../deps.ts";

/**
 * `POST /webhooks/<platform>`: an event of a platform. It is answered as soon as it is stored and before anything is done about it, because
 * platforms give up soon and deliver again what was answered late.
 */
export function webhookRoutes({ webhooks }: Pick<HttpDeps, "webhooks">): FastifyPluginAsync {
  return async (scope: FastifyInstance) => {
    // The bytes as they came: platforms sign them, and not all name their type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    for (const [platform, webhook] of Object.entries(webhooks)) {
      scope.post(`/${platform}`, async ({ headers, body }, reply) => {
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        if (!webhook.verify(headers, bytes)) throw refused(platform);
        await webhook.receive(bytes);
        return reply.send({ ok: true });
      });
    }
  };
}

function refused(platform: string): OpsError {
  return new OpsError("unauthenticated", `a call of ${platform}'s webhook without its secret`, { text: text("http.webhook_refused") });
}
