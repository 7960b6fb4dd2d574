import { Ec2Fault, invalidValue, missingParameter, notFound } from './ec2-fault.ts';
import type { Tags } from './entities.ts';
import type { CloudState } from './state.ts';
import type { Timeline } from './timeline.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface TagSpecification {
  readonly resourceType: string;
  readonly tags: readonly Tag[];
}

export interface CreateTagsInput {
  readonly resources: readonly string[];
  readonly tags: readonly Tag[];
}

/** Sets tags on up to 1 000 resources, all or none; an existing key is overwritten. (facts §1.7) @throws {Ec2Fault} */
export function createTags(state: CloudState, input: CreateTagsInput) {
  if (input.tags.length === 0) throw missingParameter('tags');
  for (const tag of input.tags) assertTag(tag);
  const writes = requireTagged(state, input.resources).map((resource) => ({
    resource,
    tags: new Map([...resource.tags, ...input.tags.map(({ key, value }) => [key, value] as const)]),
  }));
  for (const { tags } of writes) assertTagCount(tags);

  for (const { resource, tags } of writes) resource.write(tags);
  return { return: true };
}

export interface DeleteTagsInput {
  readonly resources: readonly string[];
  /** No tags at all deletes every tag. Without a value: whatever the value. With `''`: only if the value is empty. */
  readonly tags: readonly { readonly key: string; readonly value?: string | undefined }[];
}

/** Deletes tags; a tag that is not there is no error. (facts §1.7) @throws {Ec2Fault} */
export function deleteTags(state: CloudState, input: DeleteTagsInput) {
  const resources = requireTagged(state, input.resources);
  const isDoomed = (key: string, value: string) =>
    input.tags.length === 0 || input.tags.some((tag) => tag.key === key && (tag.value ?? value) === value);
  for (const resource of resources) {
    resource.write(new Map([...resource.tags].filter(([key, value]) => !isDoomed(key, value))));
  }
  return { return: true };
}

/** The tags of a new resource. @throws {Ec2Fault} for a specification of another resource type, or a bad tag */
export function tagsFor(resourceType: string, specifications: readonly TagSpecification[]): Tags {
  for (const specification of specifications) {
    if (specification.resourceType !== resourceType) {
      throw invalidValue(`'${specification.resourceType}' is not a valid taggable resource type for this operation.`);
    }
  }
  const tags = specifications.flatMap((specification) => specification.tags);
  for (const tag of tags) assertTag(tag);
  const byKey = new Map(tags.map(({ key, value }) => [key, value]));
  assertTagCount(byKey);
  return byKey;
}

/** The `tagSet` of the wire. */
export function tagSet(tags: Tags): Tag[] {
  return [...tags].map(([key, value]) => ({ key, value }));
}

function assertTag({ key, value }: Tag): void {
  if (key.toLowerCase().startsWith('aws:')) {
    throw invalidValue("Tag keys starting with 'aws:' are reserved for internal use");
  }
  if (key.length === 0 || key.length > 128) throw new Ec2Fault('InvalidTagKey.Malformed', 'Tag key length is invalid.');
  if (value.length > 256) throw invalidValue('Tag value exceeds the maximum length of 256 characters');
}

function assertTagCount(tags: Tags): void {
  if (tags.size > 50)
    throw new Ec2Fault('TagLimitExceeded', 'The maximum number of Tags for a resource has been reached.');
}

interface Tagged {
  readonly tags: Tags;
  write(tags: Tags): void;
}

function requireTagged(state: CloudState, ids: readonly string[]): Tagged[] {
  if (ids.length === 0) throw missingParameter('resourceIdSet');
  if (ids.length > 1000) throw invalidValue('At most 1000 resources can be tagged in one call.');
  return ids.map((id) => requireOne(state, id));
}

function requireOne(state: CloudState, id: string): Tagged {
  switch (id.slice(0, id.indexOf('-'))) {
    case 'eni': {
      const eni = state.requireInterface(id);
      return { tags: eni.tags, write: (tags) => state.putInterface({ ...eni, tags }) };
    }
    case 'i':
      return within(state.instances, id, () => notFound('instance', id));
    case 'subnet':
      return within(state.subnets, id, () => notFound('subnet', id));
    case 'sg':
      return within(state.securityGroups, id, () => notFound('security-group', id));
    case 'vpc':
      return within(state.vpcs, id, () => notFound('vpc', id));
    case 'eipalloc':
      return within(state.elasticIps, id, () => notFound('allocation', id));
    case 'rtb':
      return within(state.routeTables, id, () => notFound('route-table', id));
    case 'ipv4pool':
      return within(state.pools, id, () => notFound('pool', id));
    default:
      throw notFound('resource', id);
  }
}

function within<T extends { readonly tags: Tags }>(timeline: Timeline<T>, id: string, missing: () => Ec2Fault): Tagged {
  const value = timeline.get(id);
  if (value === undefined) throw missing();
  return { tags: value.tags, write: (tags) => timeline.put(id, { ...value, tags }) };
}
