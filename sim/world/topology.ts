import type { Cloud } from '../ec2/cloud.ts';

/** Which subnets exist and which node has an ENI in which of them. */
export interface Topology {
  readonly vpc: { readonly cidr: string; readonly ipv6Cidr: string };
  readonly subnets: Readonly<Record<string, SubnetPlan>>;
  readonly nodes: readonly NodePlan[];
}

export interface SubnetPlan {
  readonly cidr: string;
  readonly ipv6Cidr?: string;
}

export interface NodePlan {
  readonly name: string;
  /** @default m5.large */
  readonly type?: string;
  /** Subnet of the primary ENI. */
  readonly primary: string;
  /** Subnets of the Multus ENIs, in order; a subnet may stand here twice. */
  readonly multus: readonly string[];
}

export interface WorldSubnet {
  readonly name: string;
  readonly id: string;
  readonly cidr: string;
  readonly ipv6Cidr: string | undefined;
}

/** A Multus ENI. */
export interface WorldEni {
  readonly id: string;
  readonly mac: string;
  /** Name of the host's link: unique on the machine, because all simulated nodes may share one. */
  readonly link: string;
  readonly subnet: WorldSubnet;
  /** Its primary address, which never moves. */
  readonly primaryIp: string;
}

export interface WorldInstance {
  readonly name: string;
  readonly instanceId: string;
  readonly privateIp: string;
  readonly zone: string;
  readonly enis: readonly WorldEni[];
}

/** Three nodes, each with a primary ENI and Multus ENIs; two of node-b's are in one subnet, node-c has room for a burst.
 * Each has one ENI in `green`, where addresses of nodes can float. */
export const threeNodes: Topology = {
  vpc: { cidr: '10.10.0.0/16', ipv6Cidr: '2001:db8::/56' },
  subnets: {
    primary: { cidr: '10.10.0.0/24' },
    red: { cidr: '10.10.1.0/24', ipv6Cidr: '2001:db8:0:1::/64' },
    blue: { cidr: '10.10.2.0/24', ipv6Cidr: '2001:db8:0:2::/64' },
    green: { cidr: '10.10.3.0/24' },
  },
  nodes: [
    { name: 'node-a', type: 'm5.4xlarge', primary: 'primary', multus: ['red', 'blue', 'green'] },
    { name: 'node-b', type: 'm5.4xlarge', primary: 'primary', multus: ['red', 'red', 'green'] },
    { name: 'node-c', type: 'm5.24xlarge', primary: 'primary', multus: ['red', 'blue', 'blue', 'green'] },
  ],
};

/** Builds subnets, instances and ENIs in the cloud. `tag` keeps the names of links apart from those of other worlds. */
export function buildTopology(cloud: Cloud, topology: Topology, tag: string): WorldInstance[] {
  const vpc = cloud.addVpc(topology.vpc);
  const subnets = new Map(
    Object.entries(topology.subnets).map(([name, plan]) => {
      const { id } = cloud.addSubnet({ vpcId: vpc.id, ...plan });
      return [name, { name, id, cidr: plan.cidr, ipv6Cidr: plan.ipv6Cidr }] as const;
    }),
  );
  const subnetOf = (name: string): WorldSubnet => {
    const subnet = subnets.get(name);
    if (subnet === undefined) throw new Error(`the topology has no subnet ${name}`);
    return subnet;
  };
  let links = 0;
  return topology.nodes.map(({ name, type = 'm5.large', primary: primarySubnet, multus }) => {
    const { instance, primary } = cloud.addInstance({
      type,
      subnetId: subnetOf(primarySubnet).id,
      tags: { Name: name },
    });
    const enis = multus.map((subnetName): WorldEni => {
      const subnet = subnetOf(subnetName);
      const eni = cloud.addInterface({ subnetId: subnet.id, instanceId: instance.id });
      links += 1;
      return { id: eni.id, mac: eni.mac, link: `eni${links}x${tag}`, subnet, primaryIp: primaryIpOf(eni.addresses) };
    });
    const { id: instanceId, zone } = instance;
    return { name, instanceId, zone, privateIp: primaryIpOf(primary.addresses), enis };
  });
}

/** An instance with its primary ENI only. */
export function plainInstance(cloud: Cloud, name: string, subnetId: string): WorldInstance {
  const { instance, primary } = cloud.addInstance({ type: 'm5.4xlarge', subnetId, tags: { Name: name } });
  const { id: instanceId, zone } = instance;
  return { name, instanceId, zone, privateIp: primaryIpOf(primary.addresses), enis: [] };
}

function primaryIpOf(addresses: readonly { readonly ip: string; readonly primary: boolean }[]): string {
  return addresses.find(({ primary }) => primary)?.ip ?? '';
}
