import type { Instance, NetworkInterface, PrivateAddress } from '../ec2/entities.ts';
import { elasticIpAt, privateDnsName, publicDnsName } from '../ec2/interface-view.ts';
import type { CloudState } from '../ec2/state.ts';

/** Path below `/latest/` → text. A path that is not there answers 404; items without content do not exist (facts §2). */
export type MetadataTree = ReadonlyMap<string, string>;

export interface TreeOptions {
  /** IMDS shows what was true at this moment, epoch ms. */
  readonly moment: number;
  /** The instance's role; without one there is no `iam/`. */
  readonly role: string | undefined;
}

/** All that IMDS says about an instance; undefined when there is no such instance at that moment. */
export function metadataTree(state: CloudState, instanceId: string, options: TreeOptions): MetadataTree | undefined {
  const instance = state.instances.asOf(instanceId, options.moment);
  if (instance === undefined) return undefined;
  const interfaces = state.interfacesOf(instanceId, options.moment);
  const entries = [
    ['dynamic/instance-identity/document', identityDocument(state, instance, interfaces)],
    ...below('meta-data', instanceEntries(state, instance, interfaces)),
    ...below('meta-data/iam', roleEntries(state, options.role)),
    ...interfaces.flatMap((eni) =>
      below(`meta-data/network/interfaces/macs/${eni.mac}`, interfaceEntries(state, eni, options.moment)),
    ),
  ] as const;
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
}

/** The lines of a directory: its files, and its subdirectories with a slash at the end. Undefined when nothing is below it. */
export function listing(tree: MetadataTree, directory: string): string | undefined {
  const prefix = directory === '' ? '' : `${directory}/`;
  const names = new Set<string>();
  for (const path of tree.keys()) {
    if (!path.startsWith(prefix)) continue;
    const [name, ...rest] = path.slice(prefix.length).split('/');
    names.add(rest.length > 0 ? `${name}/` : `${name}`);
  }
  return names.size === 0 ? undefined : [...names].sort().join('\n');
}

type Entries = readonly (readonly [path: string, text: string | undefined])[];

function below(directory: string, entries: Entries): Entries {
  return entries.map(([path, text]) => [`${directory}/${path}`, text]);
}

function instanceEntries(state: CloudState, instance: Instance, interfaces: readonly NetworkInterface[]): Entries {
  const [first] = interfaces;
  const localIpv4 = first?.addresses.find((address) => address.primary)?.ip;
  return [
    ['instance-id', instance.id],
    ['instance-type', instance.type],
    ['local-ipv4', localIpv4],
    ['local-hostname', localIpv4 && privateDnsName(state, localIpv4)],
    ['mac', first?.mac],
    ['ipv6', first?.ipv6Addresses[0]?.ip],
    ['placement/availability-zone', instance.zone],
    ['placement/availability-zone-id', state.subnets.get(instance.subnetId)?.zoneId],
    ['placement/region', state.region],
    ['autoscaling/target-lifecycle-state', 'InService'],
    ['spot/instance-action', instance.spotAction && JSON.stringify(instance.spotAction)],
  ];
}

function interfaceEntries(state: CloudState, eni: NetworkInterface, moment: number): Entries {
  const subnet = state.subnets.get(eni.subnetId);
  const vpc = state.vpcs.get(eni.vpcId);
  const [primary] = eni.addresses;
  const associations = eni.addresses.flatMap((address) => {
    const publicIp = publicIpOf(state, address, moment);
    return publicIp === undefined ? [] : [{ publicIp, privateIp: address.ip }];
  });
  const [firstPublic] = associations;
  return [
    ['device-number', String(eni.attachment?.deviceIndex ?? 0)],
    ['network-card-index', String(eni.attachment?.networkCardIndex ?? 0)],
    ['interface-id', eni.id],
    ['owner-id', state.accountId],
    ['mac', eni.mac],
    ['local-hostname', primary && privateDnsName(state, primary.ip)],
    ['local-ipv4s', eni.addresses.map((address) => address.ip).join('\n')],
    ['public-ipv4s', associations.map((association) => association.publicIp).join('\n')],
    ['public-hostname', firstPublic && publicDnsName(state, firstPublic.publicIp)],
    ...associations.map(({ publicIp, privateIp }) => [`ipv4-associations/${publicIp}`, privateIp] as const),
    ['ipv6s', eni.ipv6Addresses.map((address) => address.ip).join('\n')],
    ['ipv4-prefix', eni.ipv4Prefixes.join('\n')],
    ['ipv6-prefix', eni.ipv6Prefixes.join('\n')],
    ['security-groups', eni.groups.map((group) => group.replace('sg-', 'group-')).join('\n')],
    ['security-group-ids', eni.groups.join('\n')],
    ['subnet-id', eni.subnetId],
    ['subnet-ipv4-cidr-block', subnet?.cidr],
    ['subnet-ipv6-cidr-blocks', subnet?.ipv6Cidr],
    ['vpc-id', eni.vpcId],
    ['vpc-ipv4-cidr-block', vpc?.cidr],
    ['vpc-ipv4-cidr-blocks', vpc?.cidr],
    ['vpc-ipv6-cidr-blocks', vpc?.ipv6Cidr],
  ];
}

function publicIpOf(state: CloudState, address: PrivateAddress, moment: number): string | undefined {
  const elasticIp = elasticIpAt(state, address, moment);
  return address.lentPublicIp ?? (elasticIp?.association === undefined ? undefined : elasticIp.publicIp);
}

/** Credentials that open nothing: the simulator checks no signature. They live six hours from when they are asked for. */
function roleEntries(state: CloudState, role: string | undefined): Entries {
  if (role === undefined) return [];
  const now = state.now();
  const credentials = {
    Code: 'Success',
    LastUpdated: isoSeconds(now),
    Type: 'AWS-HMAC',
    AccessKeyId: 'ASIASIMULATED0000000',
    SecretAccessKey: 'simulated',
    Token: 'simulated',
    Expiration: isoSeconds(now + 6 * 3_600_000),
  };
  return [[`security-credentials/${role}`, JSON.stringify(credentials)]];
}

function identityDocument(state: CloudState, instance: Instance, interfaces: readonly NetworkInterface[]): string {
  const document = {
    accountId: state.accountId,
    architecture: 'x86_64',
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: 'ami-00000000000000001',
    instanceId: instance.id,
    instanceType: instance.type,
    kernelId: null,
    pendingTime: isoSeconds(instance.launchedAt),
    privateIp: interfaces[0]?.addresses[0]?.ip,
    ramdiskId: null,
    region: state.region,
    version: '2017-09-30',
  };
  return JSON.stringify(document, null, 2);
}

function isoSeconds(moment: number): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, 'Z');
}
