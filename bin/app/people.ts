import { timingSafeEqual } from "node:crypto";
import { hashKey } from "../../clients/postgres/keys.ts";
import type { Config } from "../../core/config.ts";
import type { BotAdapter, People, RoleChange } from "../../core/ports.ts";
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

/** The same, but what the platforms show to whoever's role is changed follows at once. */
export function tellingPlatforms(people: People, adapters: readonly Pick<BotAdapter, "roleChanged">[]): People {
  const tell = async (identity: string, change: Promise<RoleChange>) => {
    const { before, after } = await change;
    // The change is stored: whoever asked for it is not to hear of a failure now.
    const person = before === after ? null : await people.find(identity).catch(() => null);
    if (before !== after) for (const { roleChanged } of adapters) roleChanged?.(identity, { role: after, locale: person?.locale ?? null });
    return { before, after };
  };
  return {
    find: people.find,
    grant: (identity, role, by) => tell(identity, people.grant(identity, role, by)),
    revoke: (identity, by) => tell(identity, people.revoke(identity, by)),
  };
}
