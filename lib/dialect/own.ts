import type { ElasticIpClaim, PodDialect } from '../model/elastic-ips/claim.ts';
import type { Parsed, Pod } from '../model/pod.ts';
import { eipEvent } from './eip-events.ts';
import { type EipElement, parseElements, printSource } from './own-grammar.ts';
import { claimAll, type Owner, podOfCluster } from './owner.ts';
import { invalidAnnotation, shown } from './refuse.ts';
import { claimId, targetText } from './target.ts';

/** Annotation on a pod: the Elastic IPs of its addresses. */
export const EIP = 'eni-agent.io/eip';

export const TAG = {
  cluster: 'eni-agent.io/cluster',
  pod: 'eni-agent.io/pod',
  claim: 'eni-agent.io/claim',
  source: 'eni-agent.io/source',
} as const;

/** `eni-agent.io/eip`: any number of EIPs, on any IPv4 address of the pod. What it reports is written for every dialect alike. */
export const own: PodDialect = {
  name: 'own',
  annotation: EIP,
  clusterTag: TAG.cluster,
  ownTags: [TAG.cluster, TAG.pod, TAG.claim, TAG.source],
  requests: (pod, context) => claimAll(pod, context, elementsOf(pod), (element, owner) => claimOf(pod, element, owner)),
  metadata: () => ({ labels: {}, annotations: {} }),
  event: eipEvent,
  ownerOf: (tags, context) => podOfCluster(tags[TAG.cluster], tags[TAG.pod], context),
  allocatedByUs: (tags) => /^auto(?:$|:)/.test(tags[TAG.source] ?? ''),
};

function elementsOf(pod: Pod): Parsed<readonly EipElement[]> {
  const { elements, faults } = parseElements(pod.annotations[EIP] ?? '');
  const refusals = faults.map(({ element, fault }) => invalidAnnotation(EIP, `${shown(element)}: ${fault}`));
  return { value: elements, refusals };
}

function claimOf(pod: Pod, { target, source }: EipElement, owner: Owner): ElasticIpClaim {
  return {
    id: claimId('own', pod, target),
    dialect: 'own',
    owner: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
    source,
    target,
    tags: {
      [TAG.cluster]: owner.cluster,
      [TAG.pod]: owner.pod,
      [TAG.claim]: targetText(target),
      [TAG.source]: printSource(source),
    },
    identity: identityOf(target.kind),
  };
}

/**
 * An EIP on an address follows the address from pod to pod, so the address alone names its owner: each pod that may hold a
 * floating IP finds the same EIP. Everywhere else the pod is part of the name. Another source is another EIP.
 */
function identityOf(kind: EipElement['target']['kind']): readonly string[] {
  const shared = [TAG.cluster, TAG.claim, TAG.source];
  return kind === 'address' ? shared : [...shared, TAG.pod];
}
