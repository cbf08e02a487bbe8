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
    if (by) throw new OpsError("protected_address", `${ip} is protected: ${by}`, { text: text(`cf.protected.${by}`, { ip }) });
  }
}
