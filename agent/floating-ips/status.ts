import { type FloatingIp, type FloatingIpStatus, READY } from '../../lib/model/floating-ips/floating-ip.ts';
import type { WantedStatus } from '../../lib/model/floating-ips/plan.ts';

/** The whole status to write. A condition keeps its transition time while its status stays. @param wall ms since the epoch */
export function statusFor(ip: FloatingIp, wanted: WantedStatus, wall: number): FloatingIpStatus {
  const { node, networkInterfaceId, publicIp, since, routeTables, ready, reason, message } = wanted;
  const before = ip.status.conditions.find(({ type }) => type === READY);
  const status = ready ? 'True' : 'False';
  const now = new Date(wall).toISOString().replace(/\.\d+Z$/, 'Z');
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  const condition = {
    type: READY,
    status,
    reason,
    message: message.slice(0, 1_000),
    observedGeneration: ip.generation,
    lastTransitionTime,
  } as const;
  const others = ip.status.conditions.filter(({ type }) => type !== READY);
  return { node, networkInterfaceId, publicIp, since, routeTables, conditions: [...others, condition] };
}
