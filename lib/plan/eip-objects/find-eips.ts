import type { ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import type { ControllerSnapshot, SeenClaim } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { RETAINED_TAG } from '../../model/retention.ts';

export interface ObjectEips {
  /** The one that the object keeps. */
  readonly kept: ElasticIp | undefined;
  /** Others that carry its uid: a reply was lost, or two leaders met. */
  readonly surplus: readonly ElasticIp[];
  /** Left for an object of this kind and name; it becomes the object's when that has none. */
  readonly adoptable: ElasticIp | undefined;
  /** One that the object names although nothing in EC2 says that it is the object's. */
  readonly foreign: ElasticIp | undefined;
}

/**
 * The EIPs of an object, by their tags alone. What its status or spec names is only a request: anybody who may write the object could have
 * put it there. Of several the one that the status names wins, else the one in use, else the first by id.
 */
export function findEips(claim: ObjectClaim, eips: readonly ElasticIp[]): ObjectEips {
  const owned = eips.filter((eip) => isOwnedBy(claim, eip)).toSorted(byId);
  const kept = preferred(claim, owned);
  const surplus = owned.filter((eip) => eip !== kept && !(RETAINED_TAG in eip.tags));
  if (kept !== undefined) return { kept, surplus, adoptable: undefined, foreign: undefined };
  const adoptable = preferred(claim, eips.filter((eip) => isLeftFor(claim, eip)).toSorted(byId));
  const foreign = adoptable === undefined ? eips.find((eip) => isNamedBy(claim, eip)) : undefined;
  return { kept, surplus, adoptable, foreign };
}

function preferred({ allocationId }: ObjectClaim, eips: readonly ElasticIp[]): ElasticIp | undefined {
  return (
    eips.find((eip) => eip.allocationId === allocationId) ??
    eips.find(({ association }) => association !== undefined) ??
    eips[0]
  );
}

/** True when EC2's tags say that the EIP is this object's. */
export function isOwnedBy({ identity, cluster }: ObjectClaim, { tags, serviceManaged }: ElasticIp): boolean {
  const isOthers = Object.entries(cluster).some(([key, value]) => (tags[key] ?? value) !== value);
  return !serviceManaged && !isOthers && hasAll(identity, tags);
}

function isLeftFor({ adoption, allocation: { address } }: ObjectClaim, { tags, serviceManaged, publicIp }: ElasticIp) {
  return !serviceManaged && hasAll(adoption, tags) && (address === undefined || address === publicIp);
}

function isNamedBy({ allocationId, allocation }: ObjectClaim, eip: ElasticIp): boolean {
  return eip.allocationId === allocationId || eip.publicIp === allocation.address;
}

function hasAll(wanted: Readonly<Record<string, string>>, tags: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(wanted);
  return entries.length > 0 && entries.every(([key, value]) => tags[key] === value);
}

function byId(a: ElasticIp, b: ElasticIp): number {
  return a.allocationId < b.allocationId ? -1 : 1;
}

/** True when the list of Elastic IPs is young enough to conclude from the absence of an EIP. */
export function mayConclude({ eipsAfter }: SeenClaim, { eipsAt }: ControllerSnapshot): boolean {
  return eipsAt !== undefined && eipsAt >= eipsAfter;
}
