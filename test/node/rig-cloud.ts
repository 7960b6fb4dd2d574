import { Cloud } from '../../sim/ec2/cloud.ts';
import { type CallRecord } from '../../sim/ec2/endpoint.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import { type ImdsServer, startImds } from '../../sim/imds/server.ts';
import type { NodeId, WorldFile, WorldFileNode } from './rig-scripts.ts';

/** An ENI of a node, by what the node calls it. */
export interface NodeEni {
  readonly id: string;
  readonly node: NodeId;
  readonly device: string;
  readonly subnetId: string;
}

/** The simulated EC2 and the metadata service of each node, seeded with what the scripts' world.json says. */
export class NodeCloud implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly ec2: Ec2Server;
  readonly imds: Readonly<Record<NodeId, ImdsServer>>;
  readonly vpcId: string;
  readonly enis: readonly NodeEni[];

  private constructor(cloud: Cloud, ec2: Ec2Server, imds: Record<NodeId, ImdsServer>, seeded: Seeded) {
    this.cloud = cloud;
    this.ec2 = ec2;
    this.imds = imds;
    this.vpcId = seeded.vpcId;
    this.enis = seeded.enis;
  }

  static async open(world: WorldFile): Promise<NodeCloud> {
    const cloud = new Cloud({ region: world.region, knobs: { elasticIpQuota: 50 } });
    const seeded = seed(cloud, world);
    const ec2 = await startEc2Server({ cloud });
    const [a, b] = await Promise.all(world.nodes.map(({ instanceId }) => startImds({ cloud, instanceId })));
    if (a === undefined || b === undefined) throw new Error('world.json must have two nodes');
    return new NodeCloud(cloud, ec2, { a, b }, seeded);
  }

  /** For the scripts' `start`. */
  endpoints(): Record<'EC2' | 'IMDS_A' | 'IMDS_B', string> {
    const place = (url: string) => new URL(url).host;
    return { EC2: place(this.ec2.url), IMDS_A: place(this.imds.a.url), IMDS_B: place(this.imds.b.url) };
  }

  eni(node: NodeId, device: string): NodeEni {
    const found = this.enis.find((eni) => eni.node === node && eni.device === device);
    if (found === undefined) throw new Error(`no ${device} on ${node}`);
    return found;
  }

  /** Where every secondary address of the Multus ENIs is: the state machine's own word, not a describe. */
  secondaries(): Map<string, NodeEni> {
    const { state } = this.cloud;
    const found = new Map<string, NodeEni>();
    for (const eni of this.enis.filter(({ device }) => device !== 'eth0')) {
      const { addresses, ipv6Addresses } = state.requireInterface(eni.id);
      for (const { ip, primary } of [...addresses, ...ipv6Addresses]) if (!primary) found.set(ip, eni);
    }
    return found;
  }

  /** An operator cleans up by hand: takes these addresses off whatever ENI has them. */
  unassign(addresses: ReadonlySet<string>): void {
    for (const [address, { id }] of this.secondaries()) {
      if (!addresses.has(address)) continue;
      this.cloud.unassignPrivateIpAddresses({ networkInterfaceId: id, privateIpAddresses: [address] });
    }
  }

  /** Calls since the mark that changed something, or tried to. */
  mutations(since = 0): CallRecord[] {
    return this.ec2.endpoint.mutations().filter(({ at }) => at >= since);
  }

  /** Calls since the mark that EC2 refused. */
  refused(since = 0): CallRecord[] {
    return this.mutations(since).filter(({ outcome }) => outcome !== 'ok' && outcome !== 'pending');
  }

  /** Where the VPC's tables lead an address on its own: the ENIs, one for each table that has such a route. */
  routesTo(address: string): string[] {
    const tables = this.cloud.state.routeTables.all(this.cloud.state.now());
    return tables.flatMap(({ routes }) =>
      routes.flatMap(({ destination, target }) =>
        String(destination) === `${address}/32` && target.kind === 'interface' ? [target.networkInterfaceId] : [],
      ),
    );
  }

  /** The Elastic IPs, with what they are bound to and their tags. */
  elasticIps() {
    return this.cloud.describeAddresses().addressesSet;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.ec2.close(), this.imds.a.close(), this.imds.b.close()]);
  }
}

interface Seeded {
  readonly vpcId: string;
  readonly enis: readonly NodeEni[];
}

function seed(cloud: Cloud, world: WorldFile): Seeded {
  const vpc = cloud.addVpc({ cidr: world.vpcCidr });
  const subnets = new Map(
    world.subnets.map(({ cidr, cidr6 }) => {
      const { id } = cloud.addSubnet({ vpcId: vpc.id, cidr, ...(cidr6 === undefined ? {} : { ipv6Cidr: cidr6 }) });
      return [cidr, id];
    }),
  );
  return { vpcId: vpc.id, enis: world.nodes.flatMap((node) => addNode(cloud, node, subnets)) };
}

/**
 * The primary ENI is the VPC CNI's, with its tags, its description and the addresses of ordinary pods; the others carry the tag that
 * makes it leave them alone (facts §13).
 */
function addNode(cloud: Cloud, node: WorldFileNode, subnets: ReadonlyMap<string, string>): NodeEni[] {
  const [first, ...others] = node.interfaces;
  if (first === undefined) throw new Error(`${node.name} has no interface`);
  const subnetOf = (cidr: string) => subnets.get(cidr) ?? '';
  const { primary } = cloud.addInstance({
    id: node.instanceId,
    type: 'm5.24xlarge',
    subnetId: subnetOf(first.subnet),
    privateIp: first.ip,
    tags: { Name: node.name },
    primary: {
      mac: first.mac,
      secondaries: range(node.podAddresses.from, node.podAddresses.to),
      description: `aws-K8S-${node.instanceId}`,
      tags: {
        'node.k8s.amazonaws.com/instance_id': node.instanceId,
        'cluster.k8s.amazonaws.com/name': 'real-node',
        'node.k8s.amazonaws.com/createdAt': '2026-01-01T00:00:00Z',
      },
    },
  });
  const enis = others.map(({ name, mac, ip, subnet }) => {
    const tags = { 'node.k8s.amazonaws.com/no_manage': 'true' };
    const { id } = cloud.addInterface({
      subnetId: subnetOf(subnet),
      instanceId: node.instanceId,
      mac,
      privateIp: ip,
      tags,
    });
    return { id, node: node.id, device: name, subnetId: subnetOf(subnet) };
  });
  return [{ id: primary.id, node: node.id, device: first.name, subnetId: subnetOf(first.subnet) }, ...enis];
}

/** From the first to the last address of a block of 256, both included. */
function range(from: string, to: string): string[] {
  const cut = from.lastIndexOf('.') + 1;
  const [low, high] = [Number(from.slice(cut)), Number(to.slice(cut))];
  return Array.from({ length: high - low + 1 }, (_, index) => `${from.slice(0, cut)}${low + index}`);
}
