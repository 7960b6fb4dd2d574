import type { ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { type EipOwner, explainOwner } from '../../model/elastic-ips/owner.ts';
import type { EipSnapshot } from '../../model/elastic-ips/plan.ts';
import { podKey } from '../../model/pod.ts';

/** True when the EIP's tags name this claim as its owner: ours from before a restart, a crash or a move. */
export function isIdentifiedAs(claim: ElasticIpClaim, eip: ElasticIp): boolean {
  return claim.identity.length > 0 && claim.identity.every((key) => eip.tags[key] === claim.tags[key]);
}

/**
 * In words whom an EIP belongs to instead of the claim's pod; undefined when the pod may have it.
 *
 * An EIP of an object goes to the pod that the controller's tags name, and only by its handover: the annotation alone is text that whoever
 * may edit the pod can write. What was handed over before the controller wrote that tag stays where it is.
 */
export function otherOwner(
  claim: ElasticIpClaim,
  eip: ElasticIp,
  { owners, owned }: Pick<EipSnapshot, 'owners' | 'owned'>,
): string | undefined {
  const mine = podKey(claim.owner);
  const all = owners.get(eip.allocationId) ?? [];
  const other = all.find((owner) => !isGranted(owner, claim, eip));
  if (other !== undefined) return explainOwner(other);
  if (claim.dialect === 'handover' && !all.some(({ kind }) => kind === 'object')) return 'no EIP object by its tags';
  const record = owned.find((one) => one.eip === eip && one.owner !== mine);
  return record && `pod ${record.owner}`;
}

/** True when nobody but pods has a claim to it: an EIP on a floating address goes from pod to pod. */
export function isPodsOnly(claim: ElasticIpClaim, eip: ElasticIp, { owners }: Pick<EipSnapshot, 'owners'>): boolean {
  return (owners.get(eip.allocationId) ?? []).every((owner) => owner.kind === 'pod' || isGranted(owner, claim, eip));
}

function isGranted(owner: EipOwner, claim: ElasticIpClaim, eip: ElasticIp): boolean {
  if (!owner.isHere || owner.kind === 'floating-ip') return false;
  const mine = podKey(claim.owner);
  if (owner.kind === 'pod') return owner.name === mine;
  if (claim.dialect !== 'handover' || !owner.name.startsWith(`${claim.owner.namespace}/`)) return false;
  return owner.pod === mine || (owner.pod === undefined && isIdentifiedAs(claim, eip));
}
