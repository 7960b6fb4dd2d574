import type { EipObjectDialect } from '../../model/eip-objects/eip-object.ts';
import type { DialectContext, PodDialect } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { NODE_TAG } from '../../model/elastic-ips/plan.ts';
import { ENI_TAG } from '../../model/eni-objects/eni-object.ts';
import { FLOATING_IP_TAG, floatingIpUidOf, isAllocatedForFloatingIp } from '../../model/floating-ips/tags.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { goesWithItsObject, slotOf } from '../../model/node-enis/tags.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import type { SweepItem } from '../../model/sweep.ts';

/** The languages in which tags name owners. */
export interface SweepAdapters {
  readonly pods: readonly PodDialect[];
  readonly objects: readonly EipObjectDialect[];
  readonly context: DialectContext & { readonly clusterName: string };
}

/** What of EC2's Elastic IPs and interfaces carries this cluster's tags. All else does not exist for the sweep. */
export function sweepItems(
  eips: readonly ElasticIp[],
  interfaces: readonly NetworkInterface[],
  adapters: SweepAdapters,
): readonly SweepItem[] {
  return [
    ...eips.flatMap((eip) => elasticIpItem(eip, adapters) ?? []),
    ...interfaces.flatMap((facts) => interfaceItem(facts, adapters.context.clusterName) ?? []),
  ];
}

/** An EIP that has an object stays its object's, also while it is handed to a pod. */
function elasticIpItem(eip: ElasticIp, { pods, objects, context }: SweepAdapters): SweepItem | undefined {
  // What was left on purpose waits for an object of the same name.
  if (eip.serviceManaged || RETAINED_TAG in eip.tags) return undefined;
  const base = { kind: 'elastic-ip', id: eip.allocationId, eip } as const;
  for (const dialect of objects) {
    const owner = dialect.ownerOf(eip.tags, context.clusterName);
    if (owner !== undefined)
      return { ...base, owner: { kind: 'object', of: dialect.name, ...owner }, allocatedByUs: true, ownTags: [] };
  }
  const uid = floatingIpUidOf(eip.tags, context.clusterName);
  if (uid !== undefined)
    return {
      ...base,
      owner: { kind: 'object', of: 'floating-ips', uid, namespace: '' },
      allocatedByUs: isAllocatedForFloatingIp(eip.tags),
      ownTags: Object.values(FLOATING_IP_TAG).filter((key) => key in eip.tags),
    };
  for (const dialect of pods) {
    const pod = dialect.ownerOf(eip.tags, context);
    if (pod === undefined) continue;
    const ownTags = [...dialect.ownTags, NODE_TAG].filter((key) => key in eip.tags);
    return { ...base, owner: { kind: 'pod', pod }, allocatedByUs: dialect.allocatedByUs(eip.tags), ownTags };
  }
  return undefined;
}

function interfaceItem(facts: NetworkInterface, clusterName: string): SweepItem | undefined {
  const { id, tags, managed } = facts;
  if (managed || tags[RETAINED_TAG] || tags[ENI_TAG.cluster] !== clusterName) return undefined;
  const ofNode = slotOf(tags, clusterName);
  if (ofNode !== undefined) {
    if (!goesWithItsObject(tags)) return undefined;
    return { kind: 'interface', id, owner: { kind: 'object', of: 'node-enis', uid: ofNode.uid, namespace: '' }, facts };
  }
  const uid = tags[ENI_TAG.uid];
  if (uid === undefined || uid === '') return undefined;
  return {
    kind: 'interface',
    id,
    owner: { kind: 'object', of: 'enis', uid, namespace: tags[ENI_TAG.namespace] },
    facts,
  };
}
