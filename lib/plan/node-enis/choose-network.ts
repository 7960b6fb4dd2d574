import type { SubnetFacts } from '../../model/node-enis/networks.ts';
import type { NetworkSelector, NodeEniSpec } from '../../model/node-enis/node-eni.ts';
import type { KnownNetworks } from '../../model/node-enis/plan.ts';
import type { NodeEniReason } from '../../model/node-enis/reasons.ts';

export interface NetworkRefusal {
  readonly reason: NodeEniReason;
  readonly message: string;
}

/** The subnets of the object in one zone of one VPC, in any order; a refusal when there is none. */
export function subnetsFor(
  spec: Pick<NodeEniSpec, 'subnets'>,
  { subnets }: Pick<KnownNetworks, 'subnets'>,
  { vpcId, zone }: { readonly vpcId: string; readonly zone: string },
): readonly SubnetFacts[] | NetworkRefusal {
  const inVpc = subnets.filter((subnet) => subnet.vpcId === vpcId);
  const named = inVpc.filter((subnet) => spec.subnets.some((selector) => matchesSubnet(selector, subnet)));
  if (named.length === 0)
    return { reason: 'SubnetUnknown', message: `${vpcId} has no subnet with ${spec.subnets.map(shown).join(' or ')}` };
  const inZone = named.filter((subnet) => subnet.zone === zone);
  if (inZone.length > 0) return inZone;
  const zones = [...new Set(named.map((subnet) => subnet.zone))].sort().join(', ');
  return { reason: 'NoSubnetInZone', message: `the node is in ${zone}, but the subnets of the object are in ${zones}` };
}

/** Of several subnets, the one with the most free addresses; `planned`: how many this plan takes already. */
export function fullestFree(
  candidates: readonly SubnetFacts[],
  planned: ReadonlyMap<string, number>,
): SubnetFacts | NetworkRefusal {
  const free = ({ id, freeAddresses }: SubnetFacts) => freeAddresses - (planned.get(id) ?? 0);
  const [best] = candidates.toSorted((a, b) => free(b) - free(a) || (a.id < b.id ? -1 : 1));
  if (best !== undefined && free(best) > 0) return best;
  return {
    reason: 'SubnetFull',
    message: `no free address in ${candidates
      .map(({ id }) => id)
      .sort()
      .join(', ')}`,
  };
}

/** The ids of the object's groups; undefined when groups must be read first. */
export function groupsFor(
  { securityGroups }: Pick<NodeEniSpec, 'securityGroups'>,
  networks: Pick<KnownNetworks, 'groups'> | undefined,
  vpcId: string,
): readonly string[] | NetworkRefusal | undefined {
  if (!needsGroups({ securityGroups }))
    return securityGroups.flatMap((selector) => ('id' in selector ? selector.id : []));
  const groups = networks?.groups?.filter((group) => group.vpcId === vpcId);
  if (groups === undefined) return undefined;
  const found = securityGroups.map((selector) =>
    groups.filter((group) => {
      if ('id' in selector) return group.id === selector.id;
      return 'name' in selector ? group.name === selector.name : hasTags(group.tags, selector.tags);
    }),
  );
  const missing = securityGroups.filter((_, index) => found[index]?.length === 0);
  if (missing.length > 0)
    return {
      reason: 'SecurityGroupUnknown',
      message: `${vpcId} has no security group with ${missing.map(shown).join(', nor with ')}`,
    };
  return [...new Set(found.flat().map(({ id }) => id))].sort();
}

/** True when the object names a group by something that must be looked up. */
export function needsGroups({ securityGroups }: Pick<NodeEniSpec, 'securityGroups'>): boolean {
  return securityGroups.some((selector) => !('id' in selector));
}

function matchesSubnet(selector: NetworkSelector, subnet: SubnetFacts): boolean {
  if ('id' in selector) return subnet.id === selector.id;
  return hasTags(subnet.tags, 'name' in selector ? { Name: selector.name } : selector.tags);
}

function hasTags(tags: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => tags[key] === value);
}

function shown(selector: NetworkSelector): string {
  if ('id' in selector) return `id ${selector.id}`;
  if ('name' in selector) return `name ${selector.name}`;
  return `tags ${Object.entries(selector.tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')}`;
}
