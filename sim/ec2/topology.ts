import type { IpAddress } from '../../lib/model/ip.ts';
import { cidr, contains, ip } from '../../lib/model/ip.ts';
import { freeAddresses, requestedAddresses } from './address-space.ts';
import { assertFreePlace, newAttachment } from './attachments.ts';
import { notFound } from './ec2-fault.ts';
import { freeElasticIpOf } from './elastic-ip-associations.ts';
import { lendPublicIp } from './elastic-ips.ts';
import type { Instance, InstanceState, NetworkInterface, PublicPool, Subnet, Vpc } from './entities.ts';
import { limitsOf } from './instance-types.ts';
import { covers, overlaps } from './ip-range.ts';
import type { CloudState } from './state.ts';

/**
 * What a test or the demo finds in place before the first call. These are the simulator's own functions, not actions of EC2;
 * they refuse a topology that could not exist. Tags are plain records here.
 */
export interface VpcInput {
  readonly id?: string;
  readonly cidr: string;
  readonly ipv6Cidr?: string;
  /** @default true */
  readonly internetGateway?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

export function addVpc(state: CloudState, input: VpcInput): Vpc {
  const vpc = {
    id: input.id ?? state.ids.next('vpc'),
    cidr: cidr(input.cidr),
    ipv6Cidr: input.ipv6Cidr === undefined ? undefined : cidr(input.ipv6Cidr),
    internetGateway: input.internetGateway ?? true,
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.vpcs.put(vpc.id, vpc);
  return vpc;
}

export interface SubnetInput {
  readonly id?: string;
  readonly vpcId: string;
  readonly cidr: string;
  readonly ipv6Cidr?: string;
  /** @default the region's zone `a` */
  readonly zone?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** @throws {Error} when the subnet is outside its VPC or overlaps a sibling */
export function addSubnet(state: CloudState, input: SubnetInput): Subnet {
  const vpc = state.vpcs.get(input.vpcId);
  if (vpc === undefined) throw notFound('vpc', input.vpcId);
  const network = cidr(input.cidr);
  const siblings = state.subnets.all(state.now()).filter((subnet) => subnet.vpcId === vpc.id);
  if (!covers(vpc.cidr, network)) throw new Error(`${network} is outside ${vpc.cidr}`);
  if (siblings.some((sibling) => overlaps(sibling.cidr, network)))
    throw new Error(`${network} overlaps another subnet`);
  const zone = input.zone ?? `${state.region}a`;
  const subnet = {
    id: input.id ?? state.ids.next('subnet'),
    vpcId: vpc.id,
    zone,
    zoneId: zoneIdOf(state.region, zone),
    cidr: network,
    ipv6Cidr: input.ipv6Cidr === undefined ? undefined : cidr(input.ipv6Cidr),
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.subnets.put(subnet.id, subnet);
  return subnet;
}

export interface InstanceInput {
  readonly id?: string;
  /** @default m5.large */
  readonly type?: string;
  readonly subnetId: string;
  readonly privateIp?: string;
  /** @default running */
  readonly state?: InstanceState;
  /** Lend it a public address, as a subnet with automatic public addresses does. */
  readonly lendPublicIp?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** More about its first ENI. */
  readonly primary?: Pick<InterfaceInput, 'id' | 'mac' | 'secondaries' | 'description' | 'tags'>;
}

/** An instance with its first ENI at device index 0. */
export function addInstance(
  state: CloudState,
  input: InstanceInput,
): { instance: Instance; primary: NetworkInterface } {
  const subnet = state.requireSubnet(input.subnetId);
  const instance: Instance = {
    id: input.id ?? state.ids.next('i'),
    type: limitsOf(input.type ?? 'm5.large').type,
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    state: input.state ?? 'running',
    launchedAt: state.now(),
    spotAction: undefined,
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.instances.put(instance.id, instance);
  const primary = addInterface(state, {
    ...input.primary,
    subnetId: subnet.id,
    instanceId: instance.id,
    deviceIndex: 0,
    deleteOnTermination: true,
    ...(input.privateIp === undefined ? {} : { privateIp: input.privateIp }),
    ...(input.lendPublicIp === true ? { lendPublicIp: true } : {}),
  });
  return { instance, primary };
}

export interface InterfaceInput {
  readonly id?: string;
  readonly subnetId: string;
  readonly instanceId?: string;
  /** @default the lowest free one on the card */
  readonly deviceIndex?: number;
  readonly networkCardIndex?: number;
  readonly mac?: string;
  readonly privateIp?: string;
  readonly secondaries?: readonly string[];
  readonly ipv6Addresses?: readonly string[];
  readonly description?: string;
  readonly requesterManaged?: boolean;
  /** @default interface */
  readonly interfaceType?: string;
  readonly deleteOnTermination?: boolean;
  readonly lendPublicIp?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** An ENI, attached at once when an instance is named. @throws {Ec2Fault} for addresses or a place that cannot be */
export function addInterface(state: CloudState, input: InterfaceInput): NetworkInterface {
  const subnet = state.requireSubnet(input.subnetId);
  const [privateIp, ...secondaries] = takenIpv4(state, subnet, input);
  if (privateIp === undefined) throw new Error('an ENI needs a primary address');
  const lent = input.lendPublicIp === true ? { lentPublicIp: lendPublicIp(state) } : {};
  const eni: NetworkInterface = {
    id: input.id ?? state.ids.next('eni'),
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    mac: input.mac ?? state.ids.nextMac(),
    description: input.description ?? '',
    groups: ['sg-00000000000000001'],
    sourceDestCheck: true,
    interfaceType: input.interfaceType ?? 'interface',
    requesterManaged: input.requesterManaged ?? false,
    addresses: [
      { ip: privateIp, primary: true, ...lent },
      ...secondaries.map((address) => ({ ip: address, primary: false })),
    ],
    ipv6Addresses: requestedIpv6(subnet, input.ipv6Addresses ?? []).map((address) => ({ ip: address, primary: false })),
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    attachment: input.instanceId === undefined ? undefined : placed(state, input.instanceId, input),
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.putInterface(eni);
  return eni;
}

export interface PoolInput {
  readonly id?: string;
  readonly cidr: string;
  readonly description?: string;
  readonly borderGroup?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A bring-your-own pool of public addresses. */
export function addPool(state: CloudState, input: PoolInput): PublicPool {
  const pool = {
    id: input.id ?? state.ids.next('ipv4pool-ec2'),
    description: input.description ?? '',
    cidr: cidr(input.cidr),
    borderGroup: input.borderGroup ?? state.region,
    tags: new Map(Object.entries(input.tags ?? {})),
  };
  state.pools.put(pool.id, pool);
  return pool;
}

/**
 * Moves an instance to another state. Terminated: its ENIs are deleted or, without deleteOnTermination, detached with all
 * their addresses still taken. Stopped: everything stays (facts §1.1, §1.8).
 */
export function setInstanceState(state: CloudState, instanceId: string, next: InstanceState): void {
  state.instances.put(instanceId, { ...state.requireInstance(instanceId), state: next });
  if (next !== 'terminated') return;
  for (const eni of state.interfacesOf(instanceId)) {
    if (eni.attachment?.deleteOnTermination === true) {
      for (const address of eni.addresses) freeElasticIpOf(state, address);
      state.removeInterface(eni);
    } else {
      state.putInterface({ ...eni, attachment: undefined });
    }
  }
}

/** Announces or withdraws a spot interruption for IMDS. */
export function setSpotAction(state: CloudState, instanceId: string, spotAction: Instance['spotAction']): void {
  state.instances.put(instanceId, { ...state.requireInstance(instanceId), spotAction });
}

function takenIpv4(state: CloudState, subnet: Subnet, input: InterfaceInput): IpAddress[] {
  const chosen = requestedAddresses(subnet, [input.privateIp ?? [], input.secondaries ?? []].flat(), 4);
  const held = chosen.find((address) => state.holderOf(subnet.id, address) !== undefined);
  if (held !== undefined) throw new Error(`${held} is taken`);
  return input.privateIp === undefined ? [...freeAddresses(state, subnet, 1, 4, chosen), ...chosen] : chosen;
}

function requestedIpv6(subnet: Subnet, texts: readonly string[]): IpAddress[] {
  const addresses = texts.map(ip);
  const stray = addresses.find((address) => subnet.ipv6Cidr === undefined || !contains(subnet.ipv6Cidr, address));
  if (stray !== undefined) throw new Error(`${stray} is outside ${subnet.id}`);
  return addresses;
}

function placed(state: CloudState, instanceId: string, input: InterfaceInput): NetworkInterface['attachment'] {
  const instance = state.requireInstance(instanceId);
  const networkCardIndex = input.networkCardIndex ?? 0;
  const used = state
    .interfacesOf(instanceId)
    .filter((eni) => eni.attachment?.networkCardIndex === networkCardIndex)
    .map((eni) => eni.attachment?.deviceIndex ?? 0);
  const lowestFree = used.reduce((free, index) => (index === free ? free + 1 : free), 0);
  const deviceIndex = input.deviceIndex ?? lowestFree;
  assertFreePlace(state, instance, deviceIndex, networkCardIndex);
  const attachment = newAttachment(
    state,
    instance,
    { deviceIndex, networkCardIndex },
    input.deleteOnTermination ?? false,
  );
  return { ...attachment, phase: 'attached' };
}

/** `us-east-1a` → `use1-az1`. The letter's mapping differs from account to account; here it is the alphabet. */
function zoneIdOf(region: string, zone: string): string {
  const [area = '', side = '', number = ''] = region.split('-');
  return `${area}${side.charAt(0)}${number}-az${zone.charCodeAt(zone.length - 1) - 'a'.charCodeAt(0) + 1}`;
}
