import { EC2Client } from '@aws-sdk/client-ec2';
import type { CloudOptions } from '../../../sim/ec2/cloud.ts';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { Ec2Fault } from '../../../sim/ec2/ec2-fault.ts';

/** A clock that a test moves by hand. */
export interface HandClock {
  readonly now: () => number;
  readonly advance: (ms: number) => void;
}

export function handClock(start = Date.parse('2026-11-21T00:00:00Z')): HandClock {
  let at = start;
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}

/**
 * Two m5.large nodes in one VPC. Each has its first ENI in the node subnet and a second one in the pod subnet
 * 10.0.1.0/24, 2001:db8:1::/64: the ENIs that the tests work on.
 */
export function smallRegion(options: CloudOptions = {}) {
  const cloud = new Cloud(options);
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16', ipv6Cidr: '2001:db8::/56' });
  const nodes = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.0.0/24' });
  const pods = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.1.0/24', ipv6Cidr: '2001:db8:0:1::/64' });
  const [one, two] = [
    cloud.addInstance({ subnetId: nodes.id, privateIp: '10.0.0.11' }),
    cloud.addInstance({ subnetId: nodes.id, privateIp: '10.0.0.12' }),
  ];
  const eniOne = cloud.addInterface({ subnetId: pods.id, instanceId: one.instance.id, privateIp: '10.0.1.11' });
  const eniTwo = cloud.addInterface({ subnetId: pods.id, instanceId: two.instance.id, privateIp: '10.0.1.12' });
  return { cloud, vpc, nodes, pods, one, two, eniOne: eniOne.id, eniTwo: eniTwo.id };
}

/** A real SDK client that never retries: a refusal is seen as it is. */
export function sdkClient(endpoint: string): EC2Client {
  return new EC2Client({
    endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'top-secret' },
  });
}

/** `Code: message` of the refusal that the SDK or the cloud throws. Throws itself when there was none. */
export async function refusal(call: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    if (error instanceof Ec2Fault) return `${error.code}: ${error.message}`;
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    throw error;
  }
  throw new Error('the call was not refused');
}

/** The ENI's IPv4 addresses, primary first, as EC2 describes them now. */
export function addressesOf(cloud: Cloud, networkInterfaceId: string): string[] {
  const [eni] = cloud.describeNetworkInterfaces({ networkInterfaceIds: [networkInterfaceId] }).networkInterfaceSet;
  return (eni?.privateIpAddressesSet ?? []).map((address) => address.privateIpAddress);
}
