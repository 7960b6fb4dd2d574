import { DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { Cidr } from '../model/ip.ts';
import type { CallOptions, OnWarning } from './api.ts';
import { allPages, call, type Ec2Connection } from './calls.ts';
import { toCidrs } from './convert.ts';

/** The networks of all subnets of these VPCs, of both families. @throws {Ec2Error} */
export async function vpcNetworks(
  connection: Ec2Connection,
  vpcIds: readonly string[],
  { signal }: CallOptions,
  onWarning: OnWarning,
): Promise<Cidr[]> {
  const request = { action: 'DescribeSubnets', signal } as const;
  const Filters = [{ Name: 'vpc-id', Values: [...vpcIds] }];
  const subnets = await allPages(
    (token) =>
      call(connection, request, (client, http) =>
        client.send(new DescribeSubnetsCommand({ Filters, MaxResults: 1000, NextToken: token }), http),
      ),
    (page) => page.Subnets,
  );
  return subnets.flatMap((subnet) => toCidrs(subnet, onWarning));
}
