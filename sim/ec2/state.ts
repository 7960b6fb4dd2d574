import type { Cidr, IpAddress } from '../../lib/model/ip.ts';
import { Ec2Fault, notFound, notYours } from './ec2-fault.ts';
import type {
  ElasticIp,
  Instance,
  NetworkInterface,
  PublicPool,
  RouteTable,
  SecurityGroup,
  Subnet,
  SubnetReservation,
  Vpc,
} from './entities.ts';
import type { IdSource } from './ids.ts';
import { coveringPrefix } from './ip-range.ts';
import { Timeline } from './timeline.ts';
import type { Knobs } from './visibility.ts';

/**
 * The simulated region's memory and its indexes. It knows no rule of EC2 beyond "this id exists";
 * the rules are in the files named after the concern, as functions on this state.
 */
export class CloudState {
  readonly vpcs: Timeline<Vpc>;
  readonly subnets: Timeline<Subnet>;
  readonly instances: Timeline<Instance>;
  readonly interfaces: Timeline<NetworkInterface>;
  readonly elasticIps: Timeline<ElasticIp>;
  readonly pools: Timeline<PublicPool>;
  readonly securityGroups: Timeline<SecurityGroup>;
  readonly subnetReservations: Timeline<SubnetReservation>;
  readonly routeTables: Timeline<RouteTable>;
  /** Public addresses in use, by address. */
  readonly allocationByPublicIp = new Map<IpAddress, string>();
  /** Amazon addresses that this account gave back and may recover. */
  readonly releasedPublicIps = new Set<IpAddress>();
  /** What an allocation id stood for that was released: for the answer to a second release. */
  readonly releasedAllocations = new Map<string, IpAddress>();
  /** Released addresses that another account took: AuthFailure from then on (facts §1.6). */
  readonly foreignPublicIps = new Set<IpAddress>();
  /** Where the search for a free address goes on, by network. */
  readonly cursors = new Map<string, bigint>();
  /** ClientToken → what it was used for. */
  readonly clientTokens = new Map<string, { parameters: string; networkInterfaceId: string }>();

  readonly now: () => number;
  readonly ids: IdSource;
  readonly knobs: Knobs;
  readonly region: string;
  readonly accountId: string;
  readonly #holders = new Map<string, string>();
  readonly #everAttached = new Map<string, Set<string>>();

  constructor(parts: { now: () => number; ids: IdSource; knobs: Knobs; region: string; accountId: string }) {
    this.now = parts.now;
    this.ids = parts.ids;
    this.knobs = parts.knobs;
    this.region = parts.region;
    this.accountId = parts.accountId;
    this.vpcs = new Timeline(parts.now);
    this.subnets = new Timeline(parts.now);
    this.instances = new Timeline(parts.now);
    this.interfaces = new Timeline(parts.now);
    this.elasticIps = new Timeline(parts.now);
    this.pools = new Timeline(parts.now);
    this.securityGroups = new Timeline(parts.now);
    this.subnetReservations = new Timeline(parts.now);
    this.routeTables = new Timeline(parts.now);
  }

  /** The moment that Describe knows about. */
  describeMoment(): number {
    return this.now() - this.knobs.describeLagMs;
  }

  /** The ENI that holds an address of the subnet, listed or within a delegated prefix. */
  holderOf(subnetId: string, address: IpAddress): string | undefined {
    return this.#holders.get(`${subnetId} ${address}`) ?? this.holderOfPrefix(subnetId, coveringPrefix(address));
  }

  holderOfPrefix(subnetId: string, prefix: Cidr): string | undefined {
    return this.#holders.get(`${subnetId} ${prefix}`);
  }

  /** Writes an ENI and keeps the index of holders true. */
  putInterface(eni: NetworkInterface): void {
    const before = this.interfaces.get(eni.id);
    if (before !== undefined) this.#forgetHolder(before);
    for (const held of heldBy(eni)) this.#holders.set(`${eni.subnetId} ${held}`, eni.id);
    this.interfaces.put(eni.id, eni);
    if (eni.attachment === undefined) return;
    const attached = this.#everAttached.get(eni.attachment.instanceId) ?? new Set();
    this.#everAttached.set(eni.attachment.instanceId, attached.add(eni.id));
  }

  removeInterface(eni: NetworkInterface): void {
    this.#forgetHolder(eni);
    this.interfaces.delete(eni.id);
  }

  /** The instance's ENIs for a reader whose knowledge ends at `moment`, by card and device index. */
  interfacesOf(instanceId: string, moment = this.now()): NetworkInterface[] {
    return [...(this.#everAttached.get(instanceId) ?? [])]
      .flatMap((id) => this.interfaceAt(id, moment) ?? [])
      .filter((eni) => eni.attachment?.instanceId === instanceId)
      .sort((left, right) => place(left) - place(right));
  }

  /** One ENI as of a moment, with an attachment that settled by then shown as settled. */
  interfaceAt(id: string, moment: number): NetworkInterface | undefined {
    const eni = this.interfaces.asOf(id, moment);
    return eni === undefined ? undefined : settled(eni, moment);
  }

  allInterfaces(moment: number): NetworkInterface[] {
    return this.interfaces.all(moment).map((eni) => settled(eni, moment));
  }

  /**
   * The ENI that a mutation names.
   * @throws {Ec2Fault} InvalidNetworkInterfaceId.Malformed, InvalidNetworkInterfaceID.NotFound
   */
  requireInterface(id: string): NetworkInterface {
    if (!/^eni-[0-9a-z-]+$/.test(id)) throw new Ec2Fault('InvalidNetworkInterfaceId.Malformed', `Invalid id: "${id}"`);
    const eni = this.interfaceAt(id, this.now());
    if (eni === undefined || this.#isTooNew(this.interfaces, id)) throw notFound('network-interface', id);
    return eni;
  }

  /** The ENI that our own records name. @throws {Error} when the records contradict each other */
  requireInterfaceNow(id: string): NetworkInterface {
    const eni = this.interfaceAt(id, this.now());
    if (eni === undefined) throw new Error(`the simulator lost ${id}`);
    return eni;
  }

  /** Like {@link requireInterface}, and refuses an ENI that a service owns. @throws {Ec2Fault} AuthFailure */
  requireOwnInterface(id: string): NetworkInterface {
    const eni = this.requireInterface(id);
    if (eni.requesterManaged) throw notYours();
    return eni;
  }

  /** @throws {Ec2Fault} InvalidInstanceID.NotFound */
  requireInstance(id: string): Instance {
    const instance = this.instances.get(id);
    if (instance === undefined) throw notFound('instance', id);
    return instance;
  }

  /** @throws {Ec2Fault} InvalidSubnetID.NotFound */
  requireSubnet(id: string): Subnet {
    const subnet = this.subnets.get(id);
    if (subnet === undefined) throw notFound('subnet', id);
    return subnet;
  }

  /** @throws {Ec2Fault} InvalidAllocationID.NotFound, also for a moment after the allocation (knob `newIdLagMs`) */
  requireElasticIp(allocationId: string): ElasticIp {
    const elasticIp = this.elasticIps.get(allocationId);
    if (elasticIp === undefined || this.#isTooNew(this.elasticIps, allocationId)) {
      throw notFound('allocation', allocationId);
    }
    return elasticIp;
  }

  #isTooNew(timeline: Timeline<unknown>, id: string): boolean {
    const lag = this.knobs.newIdLagMs;
    return lag > 0 && (timeline.createdAt(id) ?? 0) > this.now() - lag;
  }

  #forgetHolder(eni: NetworkInterface): void {
    for (const held of heldBy(eni)) {
      const key = `${eni.subnetId} ${held}`;
      // A move writes the target first or last; only the holder on record may be forgotten.
      if (this.#holders.get(key) === eni.id) this.#holders.delete(key);
    }
  }
}

function heldBy(eni: NetworkInterface): (IpAddress | Cidr)[] {
  return [
    ...eni.addresses.map((address) => address.ip),
    ...eni.ipv6Addresses.map((address) => address.ip),
    ...eni.ipv4Prefixes,
    ...eni.ipv6Prefixes,
  ];
}

function settled(eni: NetworkInterface, moment: number): NetworkInterface {
  const { attachment } = eni;
  if (attachment === undefined || attachment.phase === 'attached' || moment < attachment.settlesAt) return eni;
  return { ...eni, attachment: attachment.phase === 'detaching' ? undefined : { ...attachment, phase: 'attached' } };
}

function place(eni: NetworkInterface): number {
  return (eni.attachment?.networkCardIndex ?? 0) * 1000 + (eni.attachment?.deviceIndex ?? 0);
}
