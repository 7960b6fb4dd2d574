import type { DialectContext, EipRequests, ElasticIpClaim } from '../model/elastic-ips/claim.ts';
import type { Parsed, Pod } from '../model/pod.ts';
import { podKey } from '../model/pod.ts';
import type { Refusal } from '../model/refusal.ts';
import { MAX_TAG_VALUE } from './tag-limits.ts';

/** Whose an EIP is, as its tags say it. */
export interface Owner {
  readonly cluster: string;
  /** `namespace/name` */
  readonly pod: string;
}

/** Turns what a pod asks for into claims, unless the tags could not name their owner: then one refusal stands for all of them. */
export function claimAll<T>(
  pod: Pod,
  { clusterName }: DialectContext,
  asked: Parsed<readonly T[]>,
  claimOf: (asked: T, owner: Owner) => ElasticIpClaim,
): EipRequests {
  if (asked.value.length === 0) return { claims: [], refusals: asked.refusals };
  if (!clusterName) return { claims: [], refusals: [...asked.refusals, CLUSTER_NAME_MISSING] };
  const owner = { cluster: clusterName, pod: podKey(pod) };
  if (owner.pod.length > MAX_TAG_VALUE) return { claims: [], refusals: [...asked.refusals, nameTooLong(owner.pod)] };
  return { claims: asked.value.map((one) => claimOf(one, owner)), refusals: asked.refusals };
}

/** The pod named by an EIP's owner tags; undefined when they are another cluster's, incomplete or no pod's name. */
export function podOfCluster(
  cluster: string | undefined,
  pod: string | undefined,
  { clusterName }: DialectContext,
): string | undefined {
  if (!clusterName || cluster !== clusterName || pod === undefined) return undefined;
  return /^[^/]+\/[^/]+$/.test(pod) ? pod : undefined;
}

const CLUSTER_NAME_MISSING: Refusal = {
  reason: 'ClusterNameMissing',
  message: 'the agent runs without --cluster-name and so could not tell whose an Elastic IP is; set it for every agent',
};

function nameTooLong(pod: string): Refusal {
  const message = `namespace and name of the pod have ${pod.length} characters together, but the tag of an Elastic IP holds ${MAX_TAG_VALUE}; use shorter names`;
  return { reason: 'InvalidAnnotation', message };
}
