import { Ec2Fault, notFound } from './ec2-fault.ts';
import type { SecurityGroup } from './entities.ts';
import type { Filter, FilterTable } from './filters.ts';
import { matcher } from './filters.ts';
import type { PageRequest } from './pages.ts';
import { assertIdsOrPages, named, page } from './pages.ts';
import type { CloudState } from './state.ts';
import { tagSet } from './tags.ts';

export interface SecurityGroupInput {
  readonly id?: string;
  readonly name: string;
  readonly vpcId: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A security group. While a region has none, interfaces may name any: then nobody checks them. */
export function addSecurityGroup(state: CloudState, input: SecurityGroupInput): SecurityGroup {
  const group = {
    id: input.id ?? state.ids.next('sg'),
    name: input.name,
    vpcId: input.vpcId,
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.securityGroups.put(group.id, group);
  return group;
}

/** @throws {Ec2Fault} InvalidGroup.NotFound for a group that the VPC does not have */
export function assertGroups(state: CloudState, vpcId: string, groups: readonly string[]): void {
  const known = state.securityGroups.all(state.now());
  if (known.length === 0) return;
  const stray = groups.find((id) => !known.some((group) => group.id === id && group.vpcId === vpcId));
  if (stray !== undefined)
    throw new Ec2Fault('InvalidGroup.NotFound', `The security group '${stray}' does not exist in VPC '${vpcId}'`);
}

export interface DescribeSecurityGroupsInput extends PageRequest {
  readonly groupIds?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

/** Security groups (AWS API reference, DescribeSecurityGroups). @throws {Ec2Fault} InvalidGroup.NotFound … */
export function describeSecurityGroups(state: CloudState, input: DescribeSecurityGroupsInput) {
  const moment = state.describeMoment();
  const ids = input.groupIds ?? [];
  assertIdsOrPages(ids, input, 'groupId');
  const candidates = named(
    ids,
    (id) => state.securityGroups.asOf(id, moment),
    (id) => notFound('security-group', id),
    () => state.securityGroups.all(moment),
  );
  const { items, nextToken } = page(candidates, matcher(groupFilters, input.filters), input, {
    range: [5, 1000],
    sequenceOf: (group) => state.securityGroups.sequenceOf(group.id),
    shortPages: state.knobs.shortPages,
  });
  const securityGroupInfo = items.map((group) => ({
    groupId: group.id,
    groupName: group.name,
    groupDescription: group.name,
    vpcId: group.vpcId,
    ownerId: state.accountId,
    tagSet: tagSet(group.tags),
  }));
  return { securityGroupInfo, nextToken };
}

const groupFilters: FilterTable<SecurityGroup> = {
  'group-id': (group) => [group.id],
  'group-name': (group) => [group.name],
  'vpc-id': (group) => [group.vpcId],
};
