import { DescribeInstancesCommand, type Filter, type Instance } from '@aws-sdk/client-ec2';
import type { InstanceOwner } from '../model/addresses/holder.ts';
import { Ec2Error } from '../model/ec2-error.ts';
import { familyOf } from '../model/ip.ts';
import type { CallOptions, InstanceQuery } from './api.ts';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import { toTags } from './convert.ts';

/** See `AddressApi.instanceOwners`. @throws {Ec2Error} when EC2 does not answer in passing */
export async function instanceOwners(
  connection: Ec2Connection,
  query: InstanceQuery,
  { signal }: CallOptions,
): Promise<Map<string, InstanceOwner>> {
  const ids = 'ids' in query ? query.ids : [];
  try {
    const found = await Promise.all(filtersOf(query).map((filter) => list(connection, filter, signal)));
    return new Map(
      found.flat().flatMap(({ InstanceId, Tags }) => (InstanceId ? [[InstanceId, { tags: toTags(Tags) }]] : [])),
    );
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    if (error.kind === 'unauthorized') return new Map(ids.map((id) => [id, 'forbidden']));
    // An endpoint without this action or filter.
    if (error.kind === 'rejected' || error.kind === 'not-found') return new Map(ids.map((id) => [id, 'unanswered']));
    throw error;
  }
}

/** Filters, not ids: an unknown id would fail the whole question. */
function filtersOf(query: InstanceQuery): Filter[] {
  if ('ids' in query) return filterChunks(query.ids).map((Values) => ({ Name: 'instance-id', Values }));
  const ofFamily = (family: 4 | 6) => filterChunks(query.addresses.filter((address) => familyOf(address) === family));
  return [
    ...ofFamily(4).map((Values) => ({ Name: 'network-interface.addresses.private-ip-address', Values })),
    ...ofFamily(6).map((Values) => ({ Name: 'network-interface.ipv6-addresses.ipv6-address', Values })),
  ];
}

function list(connection: Ec2Connection, filter: Filter, signal: AbortSignal): Promise<Instance[]> {
  return allPages(
    (token) =>
      call(connection, { action: 'DescribeInstances', signal }, (client, http) =>
        client.send(new DescribeInstancesCommand({ Filters: [filter], MaxResults: 1000, NextToken: token }), http),
      ),
    (page) => page.Reservations?.flatMap(({ Instances }) => Instances ?? []),
  );
}
