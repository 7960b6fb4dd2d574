import {
  AssignPrivateIpAddressesCommand,
  AttachNetworkInterfaceCommand,
  CreateNetworkInterfaceCommand,
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DetachNetworkInterfaceCommand,
  type Filter,
  ModifyNetworkInterfaceAttributeCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import { Ec2Error } from '../model/ec2-error.ts';
import { parseIp } from '../model/ip.ts';
import type { InstanceLimits, InstanceRoom, NetworkInterface } from '../model/network-interface.ts';
import type { Accepted, CallOptions } from './api.ts';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import { fromTags } from './convert.ts';
import type { CreateInterfaceRequest, InterfaceApi, InterfaceChange, InterfaceQuery } from './interface-api.ts';
import { toInstanceLimits, toInterface, toRoom } from './interfaces-convert.ts';

/** See {@link InterfaceApi}. */
export function ec2Interfaces(connection: Ec2Connection): InterfaceApi {
  const limitsByType = new Map<string, InstanceLimits | undefined>();
  return {
    describe: (query, options) => describe(connection, query, options),
    room: (instanceId, options) => room(connection, instanceId, limitsByType, options),
    rooms: (instanceIds, options) => rooms(connection, instanceIds, limitsByType, options),
    create: (request, options) => create(connection, request, options),
    async attach({ eni, instanceId, deviceIndex, networkCard }, { signal }) {
      const place = { InstanceId: instanceId, DeviceIndex: deviceIndex, NetworkCardIndex: networkCard };
      const command = new AttachNetworkInterfaceCommand({ NetworkInterfaceId: eni, ...place });
      const request = { action: 'AttachNetworkInterface', signal } as const;
      const answer = await call(connection, request, (client, http) => client.send(command, http));
      return { attachmentId: answer.AttachmentId ?? '', requestId: answer.$metadata.requestId };
    },
    detach(attachmentId, { signal }) {
      const command = new DetachNetworkInterfaceCommand({ AttachmentId: attachmentId });
      const request = { action: 'DetachNetworkInterface', signal } as const;
      return unlessGone(call(connection, request, (client, http) => client.send(command, http)));
    },
    delete(eni, { signal }) {
      const command = new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: eni });
      const request = { action: 'DeleteNetworkInterface', signal } as const;
      return unlessGone(call(connection, request, (client, http) => client.send(command, http)));
    },
    async modify(eni, change, { signal }) {
      const command = new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: eni, ...attributeOf(change) });
      const request = { action: 'ModifyNetworkInterfaceAttribute', signal } as const;
      return accepted(await call(connection, request, (client, http) => client.send(command, http)));
    },
    async assignCount(eni, count, { signal }) {
      const command = new AssignPrivateIpAddressesCommand({
        NetworkInterfaceId: eni,
        SecondaryPrivateIpAddressCount: count,
      });
      const request = { action: 'AssignPrivateIpAddresses', signal } as const;
      const answer = await call(connection, request, (client, http) => client.send(command, http));
      const assigned = (answer.AssignedPrivateIpAddresses ?? []).map(({ PrivateIpAddress }) =>
        parseIp(PrivateIpAddress ?? ''),
      );
      return assigned.filter((address) => address !== undefined);
    },
    async unassign(eni, addresses, { signal }) {
      const command = new UnassignPrivateIpAddressesCommand({
        NetworkInterfaceId: eni,
        PrivateIpAddresses: [...addresses],
      });
      const request = { action: 'UnassignPrivateIpAddresses', signal, addresses } as const;
      return accepted(await call(connection, request, (client, http) => client.send(command, http)));
    },
    async tag(eni, tags, { signal }) {
      const command = new CreateTagsCommand({ Resources: [eni], Tags: fromTags(tags) });
      await call(connection, { action: 'CreateTags', signal }, (client, http) => client.send(command, http));
    },
  };
}

/** By filters only: a single unknown id in an id list would fail the whole call. Paginated, as large accounts require. */
async function describe(
  connection: Ec2Connection,
  query: InterfaceQuery,
  { signal }: CallOptions,
): Promise<NetworkInterface[]> {
  const request = { action: 'DescribeNetworkInterfaces', signal } as const;
  const found = await Promise.all(
    filterSets(query).map((filters) =>
      allPages(
        (token) => {
          const command = new DescribeNetworkInterfacesCommand({
            Filters: filters,
            MaxResults: 1000,
            NextToken: token,
          });
          return call(connection, request, (client, http) => client.send(command, http));
        },
        (page) => page.NetworkInterfaces,
      ),
    ),
  );
  const facts = found
    .flat()
    .map(toInterface)
    .filter((entry) => entry !== undefined);
  // Stand-ins read filters in their own ways; the wrong interface would be somebody else's traffic.
  return facts.filter((entry) => Object.entries(query.tags ?? {}).every(([key, value]) => entry.tags[key] === value));
}

function filterSets({ ids, tags, tagKeys }: InterfaceQuery): Filter[][] {
  const byTags = Object.entries(tags ?? {}).map(([key, value]) => ({ Name: `tag:${key}`, Values: [literal(value)] }));
  const common = [...byTags, ...(tagKeys === undefined ? [] : [{ Name: 'tag-key', Values: tagKeys.map(literal) }])];
  if (ids === undefined) return [common];
  return filterChunks(ids).map((chunk) => [...common, { Name: 'network-interface-id', Values: chunk }]);
}

/** `*` and `?` are wildcards in filters, and both may occur in tags. */
function literal(text: string): string {
  return text.replace(/[\\*?]/g, '\\$&');
}

/** Limits of a type are asked once and kept: AWS does not change a type. */
async function room(
  connection: Ec2Connection,
  instanceId: string,
  limitsByType: Map<string, InstanceLimits | undefined>,
  { signal }: CallOptions,
): Promise<InstanceRoom | undefined> {
  return (await rooms(connection, [instanceId], limitsByType, { signal })).get(instanceId);
}

async function rooms(
  connection: Ec2Connection,
  instanceIds: readonly string[],
  limitsByType: Map<string, InstanceLimits | undefined>,
  { signal }: CallOptions,
): Promise<Map<string, InstanceRoom>> {
  const request = { action: 'DescribeInstances', signal } as const;
  const pages = filterChunks(instanceIds).map((chunk) =>
    allPages(
      (token) => {
        const Filters = [{ Name: 'instance-id', Values: chunk }];
        const command = new DescribeInstancesCommand({ Filters, ...(token && { NextToken: token }) });
        return call(connection, request, (client, http) => client.send(command, http));
      },
      ({ Reservations }) => (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []),
    ),
  );
  const asked = new Set(instanceIds);
  const found = (await Promise.all(pages))
    .flat()
    .filter(({ InstanceId = '', State }) => asked.has(InstanceId) && State?.Name !== 'terminated');
  for (const type of new Set(found.map(({ InstanceType = '' }) => InstanceType)))
    if (!limitsByType.has(type)) limitsByType.set(type, await limitsOf(connection, type, signal));
  return new Map(
    found.map((raw) => [raw.InstanceId ?? '', toRoom(raw, limitsByType.get(raw.InstanceType ?? ''))] as const),
  );
}

async function limitsOf(
  connection: Ec2Connection,
  type: string,
  signal: AbortSignal,
): Promise<InstanceLimits | undefined> {
  // The model lists types in an enum that is always behind; the wire takes any text.
  const command = new DescribeInstanceTypesCommand({ InstanceTypes: [type as 'm5.large'] });
  const request = { action: 'DescribeInstanceTypes', signal } as const;
  const answer = await call(connection, request, (client, http) => client.send(command, http));
  return toInstanceLimits(answer.InstanceTypes?.find(({ InstanceType }) => InstanceType === type));
}

async function create(
  connection: Ec2Connection,
  wanted: CreateInterfaceRequest,
  { signal }: CallOptions,
): Promise<NetworkInterface> {
  const command = new CreateNetworkInterfaceCommand({
    SubnetId: wanted.subnetId,
    Description: wanted.description,
    ...(wanted.securityGroups.length === 0 ? {} : { Groups: [...wanted.securityGroups] }),
    ...(wanted.secondaryAddresses === 0 ? {} : { SecondaryPrivateIpAddressCount: wanted.secondaryAddresses }),
    TagSpecifications: [{ ResourceType: 'network-interface', Tags: fromTags(wanted.tags) }],
    ClientToken: wanted.clientToken,
  });
  const action = 'CreateNetworkInterface';
  const answer = await call(connection, { action, signal }, (client, http) => client.send(command, http));
  const facts = answer.NetworkInterface && toInterface(answer.NetworkInterface);
  if (facts === undefined) {
    throw new Ec2Error({
      kind: 'unknown-outcome',
      code: 'NoInterface',
      message: 'EC2 answered without an interface',
      action,
    });
  }
  // EC2 may leave the tags out of this answer.
  return { ...facts, tags: { ...wanted.tags, ...facts.tags } };
}

function attributeOf(change: InterfaceChange) {
  switch (change.kind) {
    case 'description':
      return { Description: { Value: change.description } };
    case 'security-groups':
      return { Groups: [...change.securityGroups] };
    case 'source-dest-check':
      return { SourceDestCheck: { Value: change.enabled } };
    case 'delete-on-termination':
      return { Attachment: { AttachmentId: change.attachmentId, DeleteOnTermination: change.enabled } };
    default:
      return change satisfies never;
  }
}

function accepted(answer: { readonly $metadata: { readonly requestId?: string | undefined } }): Accepted {
  return { requestId: answer.$metadata.requestId };
}

async function unlessGone(
  answer: Promise<{ readonly $metadata: { readonly requestId?: string | undefined } }>,
): Promise<Accepted> {
  try {
    return accepted(await answer);
  } catch (error) {
    if (error instanceof Ec2Error && error.kind === 'not-found') return { requestId: error.requestId };
    throw error;
  }
}
