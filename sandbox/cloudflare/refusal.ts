import type { Answer } from "../emulator.ts";

/** A call that Cloudflare refuses: HTTP status, code and message as the real API sends them. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: number;
  readonly retryAfterS: number | undefined;

  constructor(status: number, code: number, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** The envelope of an error. */
export function failure({ status, code, message, retryAfterS }: Refusal): Answer {
  const body = { result: null, success: false, errors: [{ code, message }], messages: [] };
  return { status, body, ...(retryAfterS === undefined ? {} : { headers: { "retry-after": String(retryAfterS) } }) };
}

/** 400 for a rule that is not valid; several reasons go into one message, as in the real API. */
export function notValid(reasons: readonly string[]): Refusal {
  return new Refusal(400, 10001, `firewallaccessrules.api.validation_error:${reasons.join(",")}`);
}

/** 404 for a rule that does not exist in this scope. */
export const noSuchRule = () => new Refusal(404, 10001, "firewallaccessrules.api.not_found");

/** 400 for a second rule of one target and value. */
export const duplicate = () => new Refusal(400, 10009, "firewallaccessrules.api.duplicate_of_existing");

/** 404 for a path whose zone or account does not exist. */
export const noRoute = (path: string) =>
  new Refusal(404, 7003, `Could not route to /client/v4${path}, perhaps your object identifier is invalid?`);
