import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type { AddressRecord } from '../../lib/model/floating-ips/plan.ts';

/** An object that was deleted while this agent did not run: only our record of its addresses is left. */
export function forgotten({ floatingIp: name, elasticIp }: AddressRecord): FloatingIp {
  const status = { node: '', networkInterfaceId: '', publicIp: '', since: '', routeTables: [], conditions: [] };
  const nothing = {
    addresses: [],
    nodeSelector: {},
    interface: undefined,
    elasticIp,
    preferredNodes: [],
    routeTables: [],
    faults: [],
  };
  return { name, uid: '', generation: 0, resourceVersion: '', createdAt: '', ...nothing, status };
}
