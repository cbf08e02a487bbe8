/** The headers of a request, by their names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How a platform that calls us is let in. Implemented in bots/, served by http/ at `/webhooks/<platform>`. */
export interface Webhook {
  /** Whether the platform itself speaks; in constant time. @param body the very bytes, for platforms that sign them */
  verify(headers: WebhookHeaders, body: Buffer): boolean;
  /**
   * Stores what came in. When it resolves the platform may be told that it was taken.
   * @throws OpsError `bad_request` for what is no event of this platform; `unavailable` when it cannot be stored now
   */
  receive(body: Buffer): Promise<void>;
}
