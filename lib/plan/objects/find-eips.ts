import type { ControllerSnapshot, SeenClaim } from '../../model/controller-plan.ts';
import type { ObjectClaim } from '../../model/eip-object.ts';
import type { ElasticIp } from '../../model/elastic-ip.ts';

export interface ObjectEips {
  /** The one that the object keeps. */
  readonly kept: ElasticIp | undefined;
  /** Others that carry its uid: a reply was lost, or two leaders met. */
  readonly surplus: readonly ElasticIp[];
}

/** All EIPs of an object: the one that its status names, and those that its tags name. The status wins, else what is in use, else the first by id. */
export function findEips(claim: ObjectClaim, inventory: readonly ElasticIp[]): ObjectEips {
  const named = inventory.find(({ allocationId }) => allocationId === claim.allocationId);
  const tagged = inventory
    .filter((eip) => isIdentifiedAs(claim, eip))
    .toSorted((a, b) => (a.allocationId < b.allocationId ? -1 : 1));
  const kept = named ?? tagged.find(({ association }) => association !== undefined) ?? tagged[0];
  return { kept, surplus: tagged.filter((eip) => eip !== kept) };
}

function isIdentifiedAs({ identity }: ObjectClaim, { tags }: ElasticIp): boolean {
  const entries = Object.entries(identity);
  return entries.length > 0 && entries.every(([key, value]) => tags[key] === value);
}

/** True when the inventory is young enough to conclude from the absence of an EIP. */
export function mayConclude({ inventoryAfter }: SeenClaim, { inventoryAt }: ControllerSnapshot): boolean {
  return inventoryAt !== undefined && inventoryAt >= inventoryAfter;
}
