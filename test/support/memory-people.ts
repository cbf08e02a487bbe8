import type { People, RoleChange } from "../../core/ports.ts";
import type { Person, Role } from "../../core/request.ts";

/** People in memory. One identity each; whoever never had a role is a stranger. */
export function createMemoryPeople(): People & { set(identity: string, role: Role | null): void } {
  const known = new Map<string, Person>();
  const set = (identity: string, role: Role | null): RoleChange => {
    const before = known.get(identity)?.role ?? null;
    known.set(identity, { person_id: `p-${identity}`, name: identity, role, locale: null, zone: null });
    return { before, after: role };
  };
  return {
    set,
    find: async (identity) => known.get(identity) ?? null,
    grant: async (identity, role) => set(identity, role),
    revoke: async (identity) => (known.has(identity) ? set(identity, null) : { before: null, after: null }),
  };
}
