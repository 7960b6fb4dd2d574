import type { DialectContext, PodDialect } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { NODE_TAG } from '../../model/elastic-ips/plan.ts';
import type { Pod } from '../../model/pod.ts';
import type { OwnerVerdict } from '../../model/sweep.ts';
import { isIdentifiedAs } from '../elastic-ips/belonging.ts';

/** What uncached reads said about the owner of an EIP that a pod asked for. */
export interface PodEvidence {
  /** The pod that the tags name; null when it does not exist. Undefined: not known. */
  readonly owner: Pod | null | undefined;
  /** Names of the nodes that exist. */
  readonly nodes: ReadonlySet<string> | undefined;
  /** All pods of the cluster: an EIP on a floating address may be another pod's turn next. */
  readonly pods: readonly Pod[] | undefined;
}

/**
 * Whether anybody is left who has a claim to the EIP.
 * - The pod that its tags name exists and asks for it: lives.
 * - That pod exists but asks for it no more: its node's agent gives the EIP back, if there is such a node; else it is gone.
 * - That pod does not exist: gone, unless another pod's claim means this EIP, or a pod's claims cannot be read.
 */
export function podVerdict(
  eip: ElasticIp,
  { owner, nodes, pods }: PodEvidence,
  dialects: readonly PodDialect[],
  context: DialectContext,
): OwnerVerdict {
  if (owner === undefined || pods === undefined) return 'unknown';
  const claimants = owner === null ? pods : [...pods, owner];
  // Only pods that ask in the language of the EIP's tags can mean it.
  const spoken = dialects.filter(({ clusterTag }) => clusterTag in eip.tags);
  const requests = claimants.flatMap((pod) => spoken.map((dialect) => dialect.requests(pod, context)));
  if (requests.some(({ claims }) => claims.some((claim) => isIdentifiedAs(claim, eip)))) return 'lives';
  if (requests.some(({ refusals }) => refusals.length > 0)) return 'unknown';
  if (owner === null) return 'gone';
  const nodeName = eip.tags[NODE_TAG];
  if (nodeName === undefined || nodes === undefined) return 'unknown';
  return nodes.has(nodeName) || nodes.has(owner.nodeName) ? 'lives' : 'gone';
}
