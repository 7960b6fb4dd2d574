import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type { AddressRecord } from '../../lib/model/floating-ips/plan.ts';
import { parseIp } from '../../lib/model/ip.ts';
import { isObject } from '../../lib/model/json.ts';

/** Turns a stored record back into one; undefined when it is none. */
export function reviveAddressRecord(stored: unknown): AddressRecord | undefined {
  if (!isObject(stored)) return undefined;
  const { address, prefixLength, device, eni, floatingIp, acquisition, state, elasticIp, from, lease, routed } = stored;
  const valid =
    typeof address === 'string' &&
    parseIp(address) === address &&
    [device, eni, floatingIp].every((text) => typeof text === 'string') &&
    [elasticIp, from, lease].every((text) => text === undefined || typeof text === 'string') &&
    [prefixLength, acquisition].every((value) => typeof value === 'number') &&
    ['taking', 'taken', 'lost'].includes(state as string) &&
    (routed === undefined || routed === true);
  return valid ? (stored as unknown as AddressRecord) : undefined;
}

export function recordKey({ floatingIp, address }: Pick<AddressRecord, 'floatingIp' | 'address'>): string {
  return `${floatingIp} ${address}`;
}

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
