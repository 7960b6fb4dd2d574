import type { NetworkInterface } from '../../model/network-interface.ts';
import type { NodeEni } from '../../model/node-enis/node-eni.ts';
import type { NodeEniSnapshot } from '../../model/node-enis/plan.ts';
import { subnetsFor } from './choose-network.ts';
import { networksOf } from './surroundings.ts';

/**
 * Why an attached interface is in a place that the spec does not allow any more; undefined when it may stay. Only what is known counts:
 * a subnet that EC2 does not know, or no subnet in the zone, replaces nothing.
 */
export function misplacement(object: NodeEni, own: NetworkInterface, snapshot: NodeEniSnapshot): string | undefined {
  const { spec, dialect } = object;
  const { deviceIndex = 0, networkCard = 0 } = own.attachment ?? {};
  // What was adopted from the old controller stays where that put it.
  if (dialect !== 'own') return undefined;
  if (spec.networkCard !== undefined && networkCard !== spec.networkCard)
    return `it is on network card ${networkCard} instead of ${spec.networkCard}`;
  if (spec.deviceIndex !== undefined && deviceIndex < spec.deviceIndex)
    return `it has device index ${deviceIndex}, below ${spec.deviceIndex}`;
  const networks = networksOf(snapshot, own.vpcId);
  if (networks === undefined) return undefined;
  const candidates = subnetsFor(spec, networks, { vpcId: own.vpcId ?? '', zone: own.zone });
  if ('reason' in candidates || candidates.some(({ id }) => id === own.subnetId)) return undefined;
  return `it is in ${own.subnetId}, not in ${candidates
    .map(({ id }) => id)
    .sort()
    .join(' or ')}`;
}
