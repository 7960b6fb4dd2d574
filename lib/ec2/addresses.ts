import {
  AssignIpv6AddressesCommand,
  AssignPrivateIpAddressesCommand,
  DescribeNetworkInterfacesCommand,
  type Filter,
  UnassignIpv6AddressesCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import type { AddressHolder } from '../model/addresses/holder.ts';
import type { Eni, EniId } from '../model/eni.ts';
import { familyOf, type IpAddress, type IpFamily, parseIp } from '../model/ip.ts';
import type {
  Accepted,
  AddressApi,
  Assigned,
  AssignOptions,
  CallOptions,
  LookUpOptions,
  OnWarning,
  SubnetHint,
} from './api.ts';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import { isUsable, type RawEni, toEni, toHolders } from './convert.ts';
import { instanceOwners } from './instance-owners.ts';
import { NodeFacts } from './node-facts.ts';
import { vpcNetworks } from './vpc-networks.ts';

export interface AddressesOptions {
  readonly connection: Ec2Connection;
  /** From IMDS; undefined costs one DescribeInstances. */
  readonly instanceType?: string | undefined;
  /** What IMDS says of the node's subnets, if anything. */
  readonly subnetHints?: () => readonly SubnetHint[];
  readonly onWarning: OnWarning;
}

/** The EC2 side of the node's address loop. See {@link AddressApi}. */
export function ec2Addresses(options: AddressesOptions): AddressApi {
  const { connection, onWarning } = options;
  const facts = new NodeFacts({
    connection,
    onWarning,
    instanceType: options.instanceType,
    subnetHints: options.subnetHints ?? (() => []),
  });
  let vpcIds: readonly string[] = [];
  const naming = new Set<IpFamily>();

  return {
    async describeEnis(instanceId, { signal }) {
      // Two round trips at most: everything that does not wait for the list of ENIs goes out beside it.
      const [listed, limits, prefetchFailure] = await Promise.all([
        listEnis(connection, [filter('attachment.instance-id', [instanceId])], signal),
        facts.limits(instanceId, { signal }),
        facts.prefetch({ signal }),
      ]);
      const usable = listed.filter(isUsable);
      const cidrs = await facts.cidrs(subnetIdsOf(usable), { signal, prefetchFailure });
      const join = (raw: RawEni) => toEni(raw, { cidrs: cidrs.get(raw.SubnetId ?? '') ?? [], limits }, onWarning);
      const enis = usable.map(join).filter((eni) => eni !== undefined);
      vpcIds = [...new Set(enis.map((eni) => eni.vpcId).filter((id) => id !== ''))];
      return enis.sort(byPosition);
    },
    findHolders: (addresses, lookUp) => findHolders(connection, addresses, { vpcIds, ...lookUp }, onWarning),
    instanceOwners: (query, ask) => instanceOwners(connection, query, ask),
    vpcNetworks: async (ask) => (vpcIds.length === 0 ? [] : vpcNetworks(connection, vpcIds, ask, onWarning)),
    async assign(eni, addresses, assign) {
      const answer = await assignTo(connection, eni, addresses, assign);
      const family = familyOfAll(addresses);
      if (answer.assigned !== undefined) naming.add(family);
      // Who has named what it assigned before, and does not now, has assigned nothing.
      return naming.has(family) ? { ...answer, assigned: answer.assigned ?? [] } : answer;
    },
    unassign: (eni, addresses, unassign) => unassignFrom(connection, eni, addresses, unassign),
  };
}

function byPosition(left: Eni, right: Eni): number {
  return left.networkCard - right.networkCard || left.deviceIndex - right.deviceIndex;
}

function subnetIdsOf(raw: readonly RawEni[]): string[] {
  return raw.map((eni) => eni.SubnetId ?? '').filter((id) => id !== '');
}

/** Paginated, because EC2 fails an unpaginated describe in accounts with very many ENIs. */
function listEnis(connection: Ec2Connection, filters: Filter[], signal: AbortSignal): Promise<RawEni[]> {
  const request = { action: 'DescribeNetworkInterfaces', signal } as const;
  return allPages(
    (token) =>
      call(connection, request, (client, http) =>
        client.send(
          new DescribeNetworkInterfacesCommand({ Filters: filters, MaxResults: 1000, NextToken: token }),
          http,
        ),
      ),
    (page) => page.NetworkInterfaces,
  );
}

async function findHolders(
  connection: Ec2Connection,
  addresses: readonly IpAddress[],
  { vpcIds = [], signal }: LookUpOptions,
  onWarning: OnWarning,
): Promise<Map<IpAddress, AddressHolder>> {
  const scope = vpcIds.length === 0 ? [] : [filter('vpc-id', vpcIds)];
  const queries = ([4, 6] as const).flatMap((family) =>
    filterChunks(addresses.filter((address) => familyOf(address) === family)).map((chunk) =>
      listEnis(connection, [filter(ADDRESS_FILTER[family], chunk), ...scope], signal),
    ),
  );
  const wanted = new Set(addresses);
  const holders = (await Promise.all(queries)).flat().flatMap((raw) => toHolders(raw, onWarning));
  return new Map(holders.filter(([address]) => wanted.has(address)));
}

/** `private-ip-address` would be shorter, but in practice it matches primaries only. */
const ADDRESS_FILTER = {
  4: 'addresses.private-ip-address',
  6: 'ipv6-addresses.ipv6-address',
} as const satisfies Record<IpFamily, string>;

async function assignTo(
  connection: Ec2Connection,
  eni: EniId,
  addresses: readonly IpAddress[],
  { takeover, signal }: AssignOptions,
): Promise<Assigned> {
  const NetworkInterfaceId = eni;
  const list = [...addresses];
  if (familyOfAll(addresses) === 4) {
    // Sent only when wanted: the absence of the flag is the form that every stand-in understands as "no".
    const flag = takeover ? { AllowReassignment: true } : {};
    const command = new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: list, ...flag });
    const request = { action: 'AssignPrivateIpAddresses', addresses, signal } as const;
    const answer = await call(connection, request, (client, http) => client.send(command, http));
    const assigned = answer.AssignedPrivateIpAddresses?.map(({ PrivateIpAddress }) => PrivateIpAddress ?? '');
    return { ...accepted(answer), assigned: assigned && readable(assigned) };
  }
  const command = new AssignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: list });
  const request = { action: 'AssignIpv6Addresses', addresses, signal } as const;
  const answer = await call(connection, request, (client, http) => client.send(command, http));
  return { ...accepted(answer), assigned: answer.AssignedIpv6Addresses && readable(answer.AssignedIpv6Addresses) };
}

async function unassignFrom(
  connection: Ec2Connection,
  eni: EniId,
  addresses: readonly IpAddress[],
  { signal }: CallOptions,
): Promise<Accepted> {
  const NetworkInterfaceId = eni;
  const list = [...addresses];
  if (familyOfAll(addresses) === 4) {
    const command = new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: list });
    const request = { action: 'UnassignPrivateIpAddresses', addresses, signal } as const;
    return accepted(await call(connection, request, (client, http) => client.send(command, http)));
  }
  const command = new UnassignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: list });
  const request = { action: 'UnassignIpv6Addresses', addresses, signal } as const;
  return accepted(await call(connection, request, (client, http) => client.send(command, http)));
}

/** @throws {TypeError} for an empty or mixed list: a fault of the caller, never sent. */
function familyOfAll(addresses: readonly IpAddress[]): IpFamily {
  const families = new Set(addresses.map(familyOf));
  const [family] = families;
  if (family === undefined || families.size > 1) throw new TypeError('one call takes addresses of exactly one family');
  return family;
}

function readable(texts: readonly string[]): IpAddress[] {
  return texts.map(parseIp).filter((address) => address !== undefined);
}

function accepted(answer: { readonly $metadata: { readonly requestId?: string | undefined } }): Accepted {
  return { requestId: answer.$metadata.requestId };
}

function filter(name: string, values: readonly string[]): Filter {
  return { Name: name, Values: [...values] };
}
