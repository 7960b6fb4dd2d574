import type { ElasticIpClaim, PodDialect } from '../model/elastic-ips/claim.ts';
import type { AllocationId } from '../model/elastic-ips/elastic-ip.ts';
import type { Parsed, Pod } from '../model/pod.ts';
import { eipEvent } from './eip-events.ts';
import { type EipElement, parseElements, printElements } from './own-grammar.ts';
import { claimAll, type Owner, podOfCluster } from './owner.ts';
import { invalidAnnotation, shown } from './refuse.ts';
import { claimId } from './target.ts';

/** Annotation that the controller writes on a pod: which Elastic IPs of EIP objects this pod's node agent is to bind. */
export const HANDOVER = 'eni-agent.io/eip-handover';

export const TAG = { cluster: 'eni-agent.io/handover-cluster', pod: 'eni-agent.io/handover-pod' } as const;

/**
 * An EIP that has an object of its own, handed to a pod. The same grammar as `eni-agent.io/eip`, but with allocation ids only: what
 * has an object is allocated and released by the controller; the node agent associates it, and ends that when pod or annotation go.
 */
export const handover: PodDialect = {
  name: 'handover',
  annotation: HANDOVER,
  clusterTag: TAG.cluster,
  ownTags: [TAG.cluster, TAG.pod],
  requests: (pod, context) => claimAll(pod, context, elementsOf(pod), (element, owner) => claimOf(pod, element, owner)),
  metadata: () => ({ labels: {}, annotations: {} }),
  event: eipEvent,
  ownerOf: (tags, context) => podOfCluster(tags[TAG.cluster], tags[TAG.pod], context),
  allocatedByUs: () => false,
};

function elementsOf(pod: Pod): Parsed<readonly EipElement[]> {
  const { elements, faults } = parseElements(pod.annotations[HANDOVER] ?? '');
  const named = elements.filter(({ source }) => source.kind === 'fixed');
  const refusals = faults.map(({ element, fault }) => invalidAnnotation(HANDOVER, `${shown(element)}: ${fault}`));
  if (named.length < elements.length)
    refusals.push(invalidAnnotation(HANDOVER, 'only allocation ids (eipalloc-…) can be handed over'));
  return { value: named, refusals };
}

function claimOf(pod: Pod, { target, source }: EipElement, owner: Owner): ElasticIpClaim {
  return {
    id: claimId('handover', pod, target),
    dialect: 'handover',
    owner: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
    source,
    target,
    // Of the pod's name, not its uid: the pod that comes next under the name takes the EIP along to its node.
    tags: { [TAG.cluster]: owner.cluster, [TAG.pod]: owner.pod },
    identity: [TAG.cluster, TAG.pod],
  };
}

/** `namespace/name` of the pod whose agent has (or had) the EIP; undefined when its tags name none. */
export function handoverPod(tags: Readonly<Record<string, string>>): string | undefined {
  return tags[TAG.pod];
}

/** All EIPs that the annotation hands over, on whatever address. */
export function handedOver(annotation: string | undefined): readonly AllocationId[] {
  return parseElements(annotation ?? '').elements.flatMap(({ source }) =>
    source.kind === 'fixed' ? [source.allocationId] : [],
  );
}

/**
 * The annotation with this EIP on the primary address (undefined: with none there), null when nothing is left of it. Elements for
 * other addresses stay as they are, unless they hand over the same EIP; so does what `isOurs` does not know.
 */
export function withPrimary(
  annotation: string | undefined,
  wanted: AllocationId | undefined,
  isOurs: (id: AllocationId) => boolean,
): string | null {
  const kept = parseElements(annotation ?? '').elements.filter(({ target, source }) => {
    if (source.kind !== 'fixed') return false;
    if (source.allocationId === wanted || isOurs(source.allocationId)) return false;
    return target.kind !== 'primary' || wanted === undefined;
  });
  const primary: EipElement[] =
    wanted === undefined ? [] : [{ target: { kind: 'primary' }, source: { kind: 'fixed', allocationId: wanted } }];
  return printElements([...primary, ...kept]) || null;
}
