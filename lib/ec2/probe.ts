import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSubnetsCommand,
  DisassociateAddressCommand,
  GetSubnetCidrReservationsCommand,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2';
import type { Ec2Error } from '../model/ec2-error.ts';
import { type Cidr, parseCidr } from '../model/ip.ts';
import type { Ec2Client } from './client.ts';
import { translateError } from './errors.ts';
import { askPermission, type Permission } from './permission.ts';

export const PROBED_ACTIONS = [
  'DescribeNetworkInterfaces',
  'DescribeAddresses',
  'AllocateAddress',
  'AssociateAddress',
  'DisassociateAddress',
  'ReleaseAddress',
  'CreateTags',
  'DeleteTags',
] as const;

export type ProbedAction = (typeof PROBED_ACTIONS)[number];

/** Ids that nobody has: should a stand-in overlook the dry run, nothing of anybody's is changed. */
const NO_EIP = 'eipalloc-00000000000000000';
const NO_PAIRING = 'eipassoc-00000000000000000';

/** Read-only questions for `doctor`; `send` goes to EC2 with a single attempt. */
export interface Ec2Probe {
  permission(action: ProbedAction, signal: AbortSignal): Promise<Permission>;
  /** True when the VPC has an internet gateway. @throws {Ec2Error} */
  hasInternetGateway(vpcId: string, signal: AbortSignal): Promise<boolean>;
  /** How many Elastic IPs count towards the account's quota. @throws {Ec2Error} */
  elasticIpsUsed(signal: AbortSignal): Promise<number>;
  /** Addresses that the subnets can still give out. @throws {Ec2Error} */
  freeAddresses(
    subnetIds: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly free: number }[]>;
  /** What is reserved in a subnet, IPv4 and IPv6. @throws {Ec2Error} */
  reservations(
    subnetId: string,
    signal: AbortSignal,
  ): Promise<{ readonly subnetId: string; readonly cidr: Cidr; readonly explicit: boolean }[]>;
  /** Of each ENI of the instance. @throws {Ec2Error} */
  sourceChecks(instanceId: string, signal: AbortSignal): Promise<{ readonly eni: string; readonly enabled: boolean }[]>;
}

export function ec2Probe(client: Ec2Client): Ec2Probe {
  return {
    permission: (action, signal) => permission(client, action, signal),
    async hasInternetGateway(vpcId, abortSignal) {
      const command = new DescribeInternetGatewaysCommand({
        Filters: [{ Name: 'attachment.vpc-id', Values: [vpcId] }],
      });
      const answer = await client.send(command, { abortSignal }).catch(translated('DescribeInternetGateways'));
      return (answer.InternetGateways ?? []).length > 0;
    },
    async elasticIpsUsed(abortSignal) {
      const answer = await client
        .send(new DescribeAddressesCommand({}), { abortSignal })
        .catch(translated('DescribeAddresses'));
      // Own (BYOIP) pools and what a service holds do not count.
      return (answer.Addresses ?? []).filter(
        ({ PublicIpv4Pool: pool, ServiceManaged: service }) => (pool === undefined || pool === 'amazon') && !service,
      ).length;
    },
    async freeAddresses(subnetIds, abortSignal) {
      const command = new DescribeSubnetsCommand({ SubnetIds: [...subnetIds] });
      const answer = await client.send(command, { abortSignal }).catch(translated('DescribeSubnets'));
      return (answer.Subnets ?? []).map(({ SubnetId: id = '', AvailableIpAddressCount: free = 0 }) => ({ id, free }));
    },
    async reservations(subnetId, abortSignal) {
      const command = new GetSubnetCidrReservationsCommand({ SubnetId: subnetId });
      const answer = await client.send(command, { abortSignal }).catch(translated('GetSubnetCidrReservations'));
      const found = [...(answer.SubnetIpv4CidrReservations ?? []), ...(answer.SubnetIpv6CidrReservations ?? [])];
      return found.flatMap(({ Cidr: text = '', ReservationType: type }) => {
        const cidr = parseCidr(text);
        return cidr === undefined ? [] : [{ subnetId, cidr, explicit: type === 'explicit' }];
      });
    },
    async sourceChecks(instanceId, abortSignal) {
      const command = new DescribeNetworkInterfacesCommand({
        Filters: [{ Name: 'attachment.instance-id', Values: [instanceId] }],
      });
      const answer = await client.send(command, { abortSignal }).catch(translated('DescribeNetworkInterfaces'));
      return (answer.NetworkInterfaces ?? []).map(
        ({ NetworkInterfaceId: eni = '', SourceDestCheck: enabled = true }) => ({
          eni,
          enabled,
        }),
      );
    },
  };
}

function permission(client: Ec2Client, action: ProbedAction, abortSignal: AbortSignal): Promise<Permission> {
  return askPermission(action, abortSignal, async () => {
    const allocationId = await send(client, action, abortSignal);
    // Done instead of tried: this is not an EC2 but a stand-in. Only an allocation leaves something behind.
    if (allocationId)
      await client
        .send(new ReleaseAddressCommand({ AllocationId: allocationId }), { abortSignal })
        .catch(() => undefined);
  });
}

/** The dry run of one action; the id of an EIP that was allocated all the same. */
async function send(client: Ec2Client, action: ProbedAction, abortSignal: AbortSignal): Promise<string | undefined> {
  const http = { abortSignal };
  const dry = { DryRun: true } as const;
  switch (action) {
    case 'DescribeNetworkInterfaces':
      await client.send(new DescribeNetworkInterfacesCommand({ ...dry, MaxResults: 5 }), http);
      return undefined;
    case 'DescribeAddresses':
      await client.send(new DescribeAddressesCommand(dry), http);
      return undefined;
    case 'AllocateAddress':
      return (await client.send(new AllocateAddressCommand({ ...dry, Domain: 'vpc' }), http)).AllocationId;
    case 'AssociateAddress':
      await client.send(
        new AssociateAddressCommand({
          ...dry,
          AllocationId: NO_EIP,
          NetworkInterfaceId: 'eni-00000000000000000',
          AllowReassociation: false,
        }),
        http,
      );
      return undefined;
    case 'DisassociateAddress':
      await client.send(new DisassociateAddressCommand({ ...dry, AssociationId: NO_PAIRING }), http);
      return undefined;
    case 'ReleaseAddress':
      await client.send(new ReleaseAddressCommand({ ...dry, AllocationId: NO_EIP }), http);
      return undefined;
    case 'CreateTags':
      await client.send(
        new CreateTagsCommand({ ...dry, Resources: [NO_EIP], Tags: [{ Key: 'eni-agent.io/node', Value: '' }] }),
        http,
      );
      return undefined;
    case 'DeleteTags':
      await client.send(
        new DeleteTagsCommand({ ...dry, Resources: [NO_EIP], Tags: [{ Key: 'eni-agent.io/node' }] }),
        http,
      );
      return undefined;
  }
}

function translated(action: string): (thrown: unknown) => never {
  return (thrown): never => {
    throw translateError(thrown, { action, mutating: false, sent: true, addresses: [] }) satisfies Ec2Error;
  };
}
