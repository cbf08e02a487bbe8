import { ConfigError } from "../../core/config-fields.ts";
import { OpsError } from "../../core/errors.ts";

/** Where a server of ours was to listen, and the variable that says at which port. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly variable: "PORT" | "SANDBOX_PORT";
}

/** Why a server cannot listen, in words that say what to change; anything else stays what it is. Codes: listen(2), getaddrinfo(3). */
export function toListenError(thrown: unknown, { host, port, variable }: Place): unknown {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new OpsError("unavailable", `port ${port} of ${host} is in use: stop the program that has it, or set ${variable} to another`);
    case "EACCES":
      return new ConfigError(variable, "must be a port that this user may open, e.g. one above 1023");
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigError("HOST", "must be an address or a name of this machine, e.g. 127.0.0.1");
    default:
      return thrown;
  }
}
