import { OpsError } from "../../core/errors.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";

/**
 * Refuses addresses that nobody may block, before anything is stored.
 * @throws OpsError `protected_address` that names the first one and why
 */
export function refuseProtected(ips: readonly string[], ports: Pick<CommandPorts, "protectedBy">): void {
  for (const ip of ips) {
    const by = ports.protectedBy(ip);
    if (by) throw new OpsError("protected_address", `${ip} is protected: ${by}`, { text: text(keyOf(ip, by), { ip }) });
  }
}

/** Of a range it is said that it holds such addresses: it need not be one of them. */
function keyOf(ip: string, by: string): string {
  return ip.includes("/") ? `cf.protected.range.${by}` : `cf.protected.${by}`;
}
