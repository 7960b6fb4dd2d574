import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { allPages, call, type Ec2Connection, filterChunks } from './calls.ts';
import { toCidrs, toTags } from './convert.ts';
import type { NetworkApi } from './network-api.ts';

/** See {@link NetworkApi}. */
export function ec2Networks(connection: Ec2Connection): NetworkApi {
  return {
    async subnets(vpcIds, { signal }) {
      const request = { action: 'DescribeSubnets', signal } as const;
      const raw = await ofVpcs(
        vpcIds,
        (Filters, NextToken) => {
          const command = new DescribeSubnetsCommand({ Filters, MaxResults: 1000, NextToken });
          return call(connection, request, (client, http) => client.send(command, http));
        },
        ({ Subnets }) => Subnets,
      );
      return raw.map((subnet) => ({
        id: subnet.SubnetId ?? '',
        vpcId: subnet.VpcId ?? '',
        zone: subnet.AvailabilityZone ?? '',
        cidrs: toCidrs(subnet, () => undefined),
        freeAddresses: subnet.AvailableIpAddressCount ?? 0,
        tags: toTags(subnet.Tags),
      }));
    },
    async securityGroups(vpcIds, { signal }) {
      const request = { action: 'DescribeSecurityGroups', signal } as const;
      const raw = await ofVpcs(
        vpcIds,
        (Filters, NextToken) => {
          const command = new DescribeSecurityGroupsCommand({ Filters, MaxResults: 1000, NextToken });
          return call(connection, request, (client, http) => client.send(command, http));
        },
        ({ SecurityGroups }) => SecurityGroups,
      );
      return raw.map(({ GroupId = '', GroupName = '', VpcId = '', Tags }) => ({
        id: GroupId,
        name: GroupName,
        vpcId: VpcId,
        tags: toTags(Tags),
      }));
    },
  };
}

type VpcFilter = { Name: string; Values: string[] }[];

async function ofVpcs<
  Output extends { readonly NextToken?: string | undefined },
  Item extends { VpcId?: string | undefined },
>(
  vpcIds: readonly string[],
  page: (filters: VpcFilter, token: string | undefined) => Promise<Output>,
  items: (output: Output) => readonly Item[] | undefined,
): Promise<Item[]> {
  const chunks = filterChunks(vpcIds).map((Values) =>
    allPages((token) => page([{ Name: 'vpc-id', Values }], token), items),
  );
  const found = (await Promise.all(chunks)).flat();
  // Stand-ins read filters in their own ways.
  return found.filter(({ VpcId = '' }) => vpcIds.includes(VpcId));
}
