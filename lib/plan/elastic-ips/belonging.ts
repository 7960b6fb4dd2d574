import type { ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { type EipOwner, explainOwner } from '../../model/elastic-ips/owner.ts';
import { type EipSnapshot, NODE_TAG } from '../../model/elastic-ips/plan.ts';
import { podKey } from '../../model/pod.ts';

/** True when the EIP's tags name this claim as its owner: ours from before a restart, a crash or a move. */
export function isIdentifiedAs({ identity, tags, lateKeys = [] }: ElasticIpClaim, eip: ElasticIp): boolean {
  const isEqual = (key: string) =>
    eip.tags[key] === tags[key] || (eip.tags[key] === undefined && lateKeys.includes(key));
  return identity.length > 0 && identity.every(isEqual);
}

/** All tags that an EIP of the claim has. */
export function tagsOf({ tags }: ElasticIpClaim, nodeName: string | undefined): Readonly<Record<string, string>> {
  return nodeName === undefined ? tags : { ...tags, [NODE_TAG]: nodeName };
}

/** Those that the EIP does not have; undefined when it has all. */
export function missingTags(claim: ElasticIpClaim, eip: ElasticIp, nodeName: string | undefined) {
  const missing = Object.entries(tagsOf(claim, nodeName)).filter(([key, value]) => eip.tags[key] !== value);
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}

/**
 * In words whom an EIP belongs to instead of the claim's owner; undefined when the claim may have it.
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
  if (!owner.isHere) return false;
  if (owner.kind === 'floating-ip' || claim.dialect === 'floating-ip')
    return owner.kind === claim.dialect && owner.name === claim.owner.name;
  const mine = podKey(claim.owner);
  if (owner.kind === 'pod') return owner.name === mine;
  if (claim.dialect !== 'handover' || !owner.name.startsWith(`${claim.owner.namespace}/`)) return false;
  return owner.pod === mine || (owner.pod === undefined && isIdentifiedAs(claim, eip));
}
