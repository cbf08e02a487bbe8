import { timingSafeEqual } from "node:crypto";
import { hashKey } from "../../clients/postgres/keys.ts";
import type { Config } from "../../core/config.ts";
import type { People } from "../../core/ports.ts";
import type { Person } from "../../core/request.ts";
import type { KeyStore } from "../../core/stores.ts";

/** Who asks without a key in the sandbox on a loopback address. */
export const LOCAL: Person = { person_id: "local", name: "local", role: "admin", locale: null, zone: null };

/** Who asks with `ADMIN_API_KEY`. */
const ADMIN: Person = { person_id: "key:admin", name: "admin", role: "admin", locale: null, zone: null };

/** Who somebody is: people in the database, and the two whom settings make. */
export interface Identities {
  findKey(presented: string): Promise<{ readonly identity: string; readonly person: Person } | null>;
  /** For a run that was asked earlier. */
  identify(identity: string): Promise<Person | null>;
}

/** Joins the settings' people to those of the database. */
export function createIdentities(config: Config, people: Pick<People, "find">, keys: KeyStore): Identities {
  const adminHash = config.admin_api_key === null ? null : Buffer.from(hashKey(config.admin_api_key));
  return {
    async findKey(presented) {
      // Hashes are of one length, which timingSafeEqual demands.
      if (adminHash && timingSafeEqual(Buffer.from(hashKey(presented)), adminHash)) return { identity: "key:admin", person: ADMIN };
      return keys.find(presented);
    },
    async identify(identity) {
      if (identity === "local") return config.sandbox ? LOCAL : null;
      if (identity === "key:admin" && adminHash) return ADMIN;
      return identity.startsWith("key:") ? keys.holder(identity) : people.find(identity);
    },
  };
}
