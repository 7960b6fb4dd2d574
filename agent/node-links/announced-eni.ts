import type { Eni } from '../../lib/model/eni.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';

/**
 * The ENI that our controller attached to this node, as far as its announcement and the node's other ENIs say: enough to assign addresses at once.
 * The next describe replaces it. Limits are those of the instance type, the same for every ENI of it.
 */
export function announcedEni(one: AnnouncedInterface, others: readonly Eni[]): Eni {
  const [other] = others;
  return {
    id: one.id,
    mac: one.mac,
    deviceIndex: one.deviceIndex,
    networkCard: one.networkCard,
    subnetId: one.subnetId,
    vpcId: other?.vpcId ?? '',
    cidrs: one.cidrs,
    addresses: one.address === undefined ? [] : [{ ip: one.address, primary: true }],
    prefixes: [],
    limits: other?.limits ?? { ipv4: undefined, ipv6: undefined },
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: { 'node.k8s.amazonaws.com/no_manage': 'true' },
  };
}
