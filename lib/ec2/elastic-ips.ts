import {
  AllocateAddressCommand,
  type AllocateAddressCommandOutput,
  AssociateAddressCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeAddressesCommand,
  DescribePublicIpv4PoolsCommand,
  DisassociateAddressCommand,
  type Filter,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2';
import { Ec2Error } from '../model/ec2-error.ts';
import type { ElasticIp } from '../model/elastic-ips/elastic-ip.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import { parseIp } from '../model/ip.ts';
import type { Accepted, CallOptions } from './api.ts';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import { fromTags, toElasticIp, toPool } from './convert.ts';
import type { AllocateRequest, Associated, AssociateRequest, ElasticIpApi, ElasticIpQuery } from './elastic-ip-api.ts';

/** See {@link ElasticIpApi}. */
export function ec2ElasticIps(connection: Ec2Connection): ElasticIpApi {
  return {
    describe: (query, options) => describe(connection, query, options),
    allocate: (request, options) => allocate(connection, request, options),
    associate: (request, options) => associate(connection, request, options),
    disassociate(associationId, { signal }) {
      const command = new DisassociateAddressCommand({ AssociationId: associationId });
      const request = { action: 'DisassociateAddress', signal } as const;
      const answer = call(connection, request, (client, http) => client.send(command, http));
      return unlessGone('InvalidAssociationID.NotFound', answer);
    },
    release(allocationId, { signal }) {
      const command = new ReleaseAddressCommand({ AllocationId: allocationId });
      const request = { action: 'ReleaseAddress', signal } as const;
      const answer = call(connection, request, (client, http) => client.send(command, http));
      return unlessGone('InvalidAllocationID.NotFound', answer);
    },
    async tag(allocationIds, tags, { signal }) {
      const list = fromTags(tags);
      if (list.length === 0 || allocationIds.length === 0) return;
      const command = new CreateTagsCommand({ Resources: [...allocationIds], Tags: list });
      await call(connection, { action: 'CreateTags', signal }, (client, http) => client.send(command, http));
    },
    async untag(allocationIds, keys, { signal }) {
      // An empty list of tags reaches EC2 as none, and that removes them all.
      if (keys.length === 0 || allocationIds.length === 0) return;
      const command = new DeleteTagsCommand({ Resources: [...allocationIds], Tags: keys.map((Key) => ({ Key })) });
      await call(connection, { action: 'DeleteTags', signal }, (client, http) => client.send(command, http));
    },
    async pools({ signal }) {
      const request = { action: 'DescribePublicIpv4Pools', signal } as const;
      const raw = await allPages(
        (token) =>
          call(connection, request, (client, http) =>
            // Ten is the most that this action gives in one page.
            client.send(new DescribePublicIpv4PoolsCommand({ MaxResults: 10, NextToken: token }), http),
          ),
        (page) => page.PublicIpv4Pools,
      );
      return raw.map(toPool).filter((pool) => pool !== undefined);
    },
  };
}

/** By filters only: a single unknown id in an id list would fail the whole call. DescribeAddresses has no pages. */
async function describe(
  connection: Ec2Connection,
  query: ElasticIpQuery,
  { signal }: CallOptions,
): Promise<ElasticIp[]> {
  const request = { action: 'DescribeAddresses', signal } as const;
  const answers = filterSets(query).map((filters) =>
    call(connection, request, (client, http) =>
      client.send(new DescribeAddressesCommand(filters.length === 0 ? {} : { Filters: filters }), http),
    ),
  );
  const found = (await Promise.all(answers)).flatMap((answer) => answer.Addresses ?? []);
  const addresses = found.map(toElasticIp).filter((address) => address !== undefined);
  return addresses.filter((address) => matchesTags(address, query));
}

/** The query as filters, once for each combination of value lists that fits into them. */
function filterSets(query: ElasticIpQuery): Filter[][] {
  const lists: [string, readonly string[] | undefined][] = [
    ['allocation-id', query.allocationIds],
    ['public-ip', query.publicIps],
    ['network-interface-id', query.eniIds],
    ['private-ip-address', query.privateIps],
    ['tag-key', query.tagKeys?.map(literal)],
    ...Object.entries(query.tags ?? {}).map(([key, value]): [string, string[]] => [`tag:${key}`, [literal(value)]]),
  ];
  let sets: Filter[][] = [[]];
  for (const [name, values] of lists) {
    if (values === undefined) continue;
    const chunks = filterChunks(values);
    sets = sets.flatMap((set) => chunks.map((chunk) => [...set, { Name: name, Values: chunk }]));
  }
  return sets;
}

/** `*` and `?` are wildcards in filters, and both may occur in tags. */
function literal(text: string): string {
  return text.replace(/[\\*?]/g, '\\$&');
}

/** Stand-ins read wildcards in their own ways; the wrong EIP would be a leak of somebody else's address. */
function matchesTags(address: ElasticIp, query: ElasticIpQuery): boolean {
  const hasKey = query.tagKeys === undefined || query.tagKeys.some((key) => Object.hasOwn(address.tags, key));
  return hasKey && Object.entries(query.tags ?? {}).every(([key, value]) => address.tags[key] === value);
}

async function allocate(connection: Ec2Connection, wanted: AllocateRequest, options: CallOptions): Promise<ElasticIp> {
  const tags = fromTags(wanted.tags);
  const command = new AllocateAddressCommand({
    Domain: 'vpc',
    PublicIpv4Pool: wanted.pool,
    Address: wanted.address,
    ...(tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: tags }] }),
  });
  const request = { action: 'AllocateAddress', ...options } as const;
  const answer = await call(connection, request, (client, http) => client.send(command, http));
  return toAllocated(answer, wanted) ?? (await describeAllocated(connection, answer.AllocationId, options));
}

function toAllocated(answer: AllocateAddressCommandOutput, wanted: AllocateRequest): ElasticIp | undefined {
  const publicIp = parseIp(answer.PublicIp ?? '');
  if (!answer.AllocationId || publicIp === undefined) return undefined;
  const pool = answer.PublicIpv4Pool || wanted.pool || AMAZON_POOL;
  const { AllocationId: allocationId } = answer;
  return { allocationId, publicIp, pool, tags: wanted.tags, serviceManaged: false, association: undefined };
}

/**
 * From an own pool the answer may come without the public address.
 * @throws {Ec2Error} of kind `unknown-outcome` and no other: the address is ours already, whatever the describe came to, and the
 * caller must find it by its tags rather than allocate again.
 */
async function describeAllocated(
  connection: Ec2Connection,
  allocationId: string | undefined,
  options: CallOptions,
): Promise<ElasticIp> {
  let cause: unknown;
  try {
    const [address] = allocationId ? await describe(connection, { allocationIds: [allocationId] }, options) : [];
    if (address !== undefined) return address;
  } catch (error) {
    cause = error;
  }
  throw new Ec2Error({
    kind: 'unknown-outcome',
    code: 'NotVisibleYet',
    message: `EC2 allocated ${allocationId ?? 'an address'} but does not list it yet`,
    action: 'AllocateAddress',
    cause,
  });
}

async function associate(
  connection: Ec2Connection,
  wanted: AssociateRequest,
  { signal }: CallOptions,
): Promise<Associated> {
  const command = new AssociateAddressCommand({
    AllocationId: wanted.allocationId,
    NetworkInterfaceId: wanted.eni,
    PrivateIpAddress: wanted.privateIp,
    AllowReassociation: wanted.allowReassociation,
  });
  const request = { action: 'AssociateAddress', addresses: [wanted.privateIp], signal } as const;
  const answer = await call(connection, request, (client, http) => client.send(command, http));
  return { associationId: answer.AssociationId ?? '', requestId: answer.$metadata.requestId };
}

/**
 * By code and not by kind: a release can also fail with InvalidAddress.NotFound, for an existing address of another network border
 * group, and calling that a success would leak it.
 */
async function unlessGone(
  code: string,
  answer: Promise<{ $metadata: { requestId?: string | undefined } }>,
): Promise<Accepted> {
  try {
    return { requestId: (await answer).$metadata.requestId };
  } catch (error) {
    if (error instanceof Ec2Error && error.code === code) return { requestId: error.requestId };
    throw error;
  }
}
