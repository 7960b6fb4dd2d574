import { ec2Addresses } from '../../lib/ec2/addresses.ts';
import type { SubnetHint } from '../../lib/ec2/api.ts';
import type { Ec2Call } from '../../lib/ec2/calls.ts';
import { openEc2Client } from '../../lib/ec2/client.ts';
import { ec2ElasticIps } from '../../lib/ec2/elastic-ips.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';

/**
 * The adapter against the simulated EC2, over HTTP: one VPC, one dual-stack subnet, two nodes with a primary ENI and one for pods.
 * The clock is virtual, so buckets and lags move only when a test says so.
 */
export async function startRig(options: { requestTimeoutMs?: number; subnetHints?: () => readonly SubnetHint[] } = {}) {
  let time = Date.UTC(2026, 0, 1);
  const cloud = new Cloud({ now: () => time, region: 'us-east-1' });
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16', ipv6Cidr: '2001:db8::/56' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.1.0/24', ipv6Cidr: '2001:db8::/64' });
  const [left, right] = [addNode(cloud, subnet.id), addNode(cloud, subnet.id)];
  const server = await startEc2Server({ cloud });
  process.env['AWS_ENDPOINT_URL_EC2'] = server.url;
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const client = openEc2Client({
    region: 'us-east-1',
    version: '0.0.0',
    requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
  });
  const calls: Ec2Call[] = [];
  const warnings: string[] = [];
  const connection = { client, now: () => performance.now(), onCall: (call: Ec2Call) => calls.push(call) };
  return {
    cloud,
    server,
    vpc,
    subnet,
    left,
    right,
    calls,
    warnings,
    addresses: ec2Addresses({
      connection,
      subnetHints: options.subnetHints ?? (() => []),
      onWarning: (message) => warnings.push(message),
    }),
    elasticIps: ec2ElasticIps(connection),
    advance(ms: number) {
      time += ms;
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.close();
    },
  };
}

function addNode(cloud: Cloud, subnetId: string) {
  const { instance, primary } = cloud.addInstance({ subnetId, type: 'm5.large' });
  const pods = cloud.addInterface({ subnetId, instanceId: instance.id, deviceIndex: 1 });
  return { id: instance.id, primary: primary.id, pods: pods.id };
}

export const never = new AbortController().signal;
