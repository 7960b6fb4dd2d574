import type { Claim, ClaimKind } from '../../model/addresses/claim.ts';
import { IGNORE, ignoresInterface, ignoresNetwork } from '../../model/addresses/ignored-networks.ts';
import { parseNetworkStatus } from '../../model/addresses/network-status.ts';
import { promisedAttachments } from '../../model/addresses/networks-annotation.ts';
import type {
  AttachmentDefinition,
  CachedAttachment,
  LiveInterface,
  LiveNamespace,
} from '../../model/addresses/observation.ts';
import type { Mac } from '../../model/eni.ts';
import { familyOf, type IpAddress, isGlobalUnicast } from '../../model/ip.ts';
import { isAlive, type NetworkStatus, type Pod, type PodRef, podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { TableSelector } from '../../model/routed-ips/declaration.ts';
import { OPEN_POLICY, type TenantPolicy } from '../../model/tenant-policy.ts';
import { mayFloat, mayRoute, notGranted, routeNotGranted } from '../tenants.ts';
import { canConfirm, isConfirmed } from './confirmed.ts';
import { type Declarations, declarationsOf } from './declarations.ts';
import { type Holder, holders } from './holders.ts';
import { matchNamespaces } from './match-namespaces.ts';
import { ofFloatingIp, Reserved } from './reserved.ts';

/** What the sources of truth on the node say right now. */
export interface Observations {
  /** This node's pods. While the API is silent the last known ones stay. */
  readonly pods: readonly Pod[];
  /** False until the API has answered once: then a pod that is not in `pods` may still exist. */
  readonly podsKnown: boolean;
  readonly cache: readonly CachedAttachment[];
  /** Undefined when namespaces are not observed (`--observe` below `live`). */
  readonly namespaces: readonly LiveNamespace[] | undefined;
  readonly hostLinks: HostLinks;
  /** By `namespace/name` of the NetworkAttachmentDefinition. */
  readonly definitions: ReadonlyMap<string, AttachmentDefinition>;
}

/** The links of the host's own namespace, as far as they are known. */
export interface HostLinks {
  macOfName(name: string): Mac | undefined;
  macOfIndex(index: number): Mac | undefined;
  nameOfMac(mac: Mac): string | undefined;
}

export interface ClaimFilter {
  /** True for pod interfaces that may carry claims. */
  readonly interfaces: (name: string) => boolean;
  /** Namespaces looked at; empty means all. */
  readonly namespaces: readonly string[];
  /** Which addresses beyond IPAM's a namespace may have. @default everything */
  readonly tenants?: () => TenantPolicy;
  /** Addresses of FloatingIP objects, which a `*` does not cover. @default none */
  readonly nodeAddresses?: () => ReadonlySet<IpAddress>;
}

/** A claim before it is known since when it stands. `seenSince` is the kernel's word on it, where there is one. */
export type ClaimDraft = Omit<Claim, 'since'> & { readonly seenSince: number | undefined };

export interface ObservedClaims {
  readonly drafts: readonly ClaimDraft[];
  /** What of a pod's input could not be understood, by pod key. */
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
  readonly unclaimed: readonly UnclaimedAddress[];
  /** Floating addresses that pods here may hold, as far as they can be listed. */
  readonly declared: readonly IpAddress[];
  /** Route tables that pods here name for addresses that they may hold. */
  readonly routeTables: readonly TableSelector[];
}

/** An address in use that is nobody's claim, because it fits no known pod or is one of far too many, and what its interface sits on. */
export interface UnclaimedAddress {
  readonly address: IpAddress;
  readonly mac: Mac | undefined;
  readonly masterMac: Mac | undefined;
}

/** The name of every pod's primary interface under every CNI; its addresses belong to the primary network. */
const PRIMARY_INTERFACE = 'eth0';

/**
 * Joins the sources into claims. An address that any one source knows is claimed; a source that falls silent takes nothing away
 * while another still has it.
 */
export function observeClaims(observed: Observations, filter: ClaimFilter): ObservedClaims {
  const namespaces = matchNamespaces(observed);
  const refusals = new Map<string, Refusal[]>();
  const drafts: ClaimDraft[] = [];
  const reserved = new Reserved(observed, filter.nodeAddresses?.());
  const declared = new Set<IpAddress>();
  const routeTables: TableSelector[] = [];
  const unclaimed: UnclaimedAddress[] = [];
  for (const holder of holders(observed)) {
    if (filter.namespaces.length > 0 && !filter.namespaces.includes(holder.ref.namespace)) continue;
    const said = new PodClaims(holder, namespaces.of(holder.ref), observed, filter, reserved);
    drafts.push(...said.drafts());
    for (const address of said.declared) declared.add(address);
    routeTables.push(...said.routeTables);
    unclaimed.push(...said.beyond);
    if (said.refusals.length > 0) refusals.set(podKey(holder.ref), said.refusals);
  }
  unclaimed.push(...namespaces.unmatched.flatMap(addressesIn(observed.hostLinks)));
  return { drafts, refusals, unclaimed, declared: [...declared], routeTables };
}

function addressesIn(hostLinks: HostLinks): (namespace: LiveNamespace) => UnclaimedAddress[] {
  return ({ interfaces }) =>
    interfaces.flatMap(({ mac, parentIndex, addresses }) => {
      const masterMac = parentIndex === undefined ? undefined : hostLinks.macOfIndex(parentIndex);
      return addresses.map(({ ip }) => ({ address: ip, mac, masterMac }));
    });
}

/** The CNI result follows the kernel's event after 10 to 60 ms (FACTS §12), and much later on a node without a free CPU, ms. */
const PROVISIONAL_MS = 10_000;

class PodClaims {
  readonly refusals: Refusal[] = [];
  readonly declared: IpAddress[] = [];
  readonly routeTables: TableSelector[] = [];
  /** In use, but beyond what is looked at. */
  readonly beyond: UnclaimedAddress[] = [];
  readonly #holder: Holder;
  readonly #namespace: LiveNamespace | undefined;
  readonly #observed: Observations;
  readonly #filter: ClaimFilter;
  readonly #networks: readonly NetworkStatus[];
  readonly #reserved: Reserved;

  constructor(
    holder: Holder,
    namespace: LiveNamespace | undefined,
    observed: Observations,
    filter: ClaimFilter,
    reserved: Reserved,
  ) {
    this.#holder = holder;
    this.#namespace = namespace;
    this.#observed = observed;
    this.#filter = filter;
    this.#reserved = reserved;
    const { pod } = holder;
    const status = pod ? parseNetworkStatus(pod.annotations) : { value: [], refusals: [] };
    // A finished pod keeps its annotation although its addresses are free again.
    this.#networks = pod && isAlive(pod) ? status.value.filter((network) => !network.isDefault) : [];
    this.refusals.push(...status.refusals);
  }

  drafts(): ClaimDraft[] {
    return this.#interfaceNames().flatMap((name) => this.#draftsOn(name));
  }

  #interfaceNames(): string[] {
    const names = new Set([
      ...this.#networks.map((network) => network.interface),
      ...this.#holder.cache.map((entry) => entry.ifName),
      ...(this.#namespace?.interfaces.map((live) => live.name) ?? []),
    ]);
    return [...names].filter(
      (name) => name !== PRIMARY_INTERFACE && this.#filter.interfaces(name) && !this.#isIgnored(name),
    );
  }

  #isIgnored(name: string): boolean {
    const networks = this.#networks.filter((network) => network.interface === name).map((network) => network.name);
    const { definitions } = this.#observed;
    return (
      ignoresInterface(this.#holder.pod?.annotations[IGNORE], name, networks) ||
      networks.some((network) => ignoresNetwork(definitions.get(network)?.ignore))
    );
  }

  /** More networks are promised than are known, and this interface is none of those: what it is will be reported in a moment. */
  #isProvisional(name: string): boolean {
    const { pod, cache } = this.#holder;
    const known = new Set([...cache.map((entry) => entry.ifName), ...this.#networks.map((entry) => entry.interface)]);
    known.delete(PRIMARY_INTERFACE);
    return !known.has(name) && (pod === undefined || promisedAttachments(pod.annotations) > known.size);
  }

  #draftsOn(name: string): ClaimDraft[] {
    const live = this.#namespace?.interfaces.find((candidate) => candidate.name === name);
    const cached = this.#holder.cache.filter((entry) => entry.ifName === name);
    const status = this.#networks.filter((network) => network.interface === name);
    const listed = new Set([...cached.flatMap((entry) => entry.addresses), ...status.flatMap((entry) => entry.ips)]);
    const { floats, routedBy } = this.#declarations(status);
    const kindOf = (address: IpAddress): ClaimKind =>
      listed.has(address) ? 'ipam' : floats(address) ? 'floating' : 'live';
    const definitions = status.flatMap((entry) => this.#observed.definitions.get(entry.name) ?? []);
    const place = {
      holder: refOf(this.#holder.ref),
      interface: name,
      mac: live?.mac ?? cached.find((entry) => entry.mac)?.mac ?? status.find((entry) => entry.mac)?.mac,
    };
    const masterMac = this.#masterMac(
      place.mac,
      live,
      cached.find((entry) => entry.master)?.master ?? definitions.find(({ master }) => master)?.master,
    );
    for (const address of listed) if (!isGlobalUnicast(address)) this.#refuseAddress(address, name);
    const plugin = cached.find((entry) => entry.plugin)?.plugin ?? definitions.find((each) => each.plugin)?.plugin;
    const isProvisional = this.#isProvisional(name);
    const mayBeForged = canConfirm(this.#observed);
    const evidence = { pod: this.#holder.ref, ifName: name, cached, live };
    const { near, beyond } = firstOf(live?.addresses ?? [], listed);
    if (beyond.length > 0) this.refusals.push(tooMany(this.#holder.ref, name, beyond.length));
    this.beyond.push(...beyond.map((each) => ({ address: each.ip, mac: place.mac, masterMac })));
    const seen = new Map(near.map((address) => [address.ip, address.since]));
    return [...new Set([...listed, ...seen.keys()])]
      .filter((address) => isGlobalUnicast(address) && !this.#isPrimary(address))
      .filter((address) =>
        routedBy(address) === undefined
          ? listed.has(address) || this.#mayHave(address, kindOf(address), cached.length + status.length > 0)
          : this.#isGrantedRoute(address),
      )
      .map((address): ClaimDraft => {
        const routed = routedBy(address);
        const kind = kindOf(address);
        const seenSince = seen.get(address);
        if (routed !== undefined)
          return { ...place, ...(plugin && { plugin }), address, kind, masterMac, seenSince, routed };
        const provisional =
          kind === 'live' && isProvisional ? { provisionalUntil: (seenSince ?? 0) + PROVISIONAL_MS } : {};
        const doubtful = mayBeForged && kind === 'ipam' && !isConfirmed(address, evidence, this.#observed);
        const extra = { ...(plugin && { plugin }), ...provisional, ...(doubtful && { unconfirmed: true as const }) };
        return { ...place, ...extra, address, kind, masterMac, seenSince };
      });
  }

  #declarations(status: readonly NetworkStatus[]): Declarations {
    const { definitions } = this.#observed;
    const declarations = declarationsOf(this.#holder, status, definitions, this.#reserved);
    this.refusals.push(
      ...declarations.refusals.filter(({ message }) => !this.refusals.some((known) => known.message === message)),
    );
    this.declared.push(...declarations.declared);
    this.routeTables.push(...declarations.routeTables);
    return declarations;
  }

  /** By the tenant policy, and not as a FloatingIP's without naming it. `placed`: IPAM has said which addresses the interface has. */
  #mayHave(address: IpAddress, kind: ClaimKind, placed: boolean): boolean {
    const { namespace } = this.#holder.ref;
    if (kind === 'live' && this.#reserved.isNodes(address)) {
      if (placed) this.refusals.push(ofFloatingIp(address));
      return false;
    }
    if (mayFloat(this.#filter.tenants?.() ?? OPEN_POLICY, namespace, address)) return true;
    if (placed) this.refusals.push(notGranted(namespace, address));
    return false;
  }

  /** A route takes the traffic of a whole VPC: IPAM's word alone does not grant it. */
  #isGrantedRoute(address: IpAddress): boolean {
    const { namespace } = this.#holder.ref;
    if (mayRoute(this.#filter.tenants?.() ?? OPEN_POLICY, namespace, address)) return true;
    this.refusals.push(routeNotGranted(namespace, address));
    return false;
  }

  #refuseAddress(address: IpAddress, interfaceName: string): void {
    const message = `${address} on ${interfaceName} of pod ${podKey(this.#holder.ref)} is not an address that EC2 can assign (loopback, link-local, multicast, unspecified or broadcast); use a range of the subnet in the network's IPAM`;
    this.refusals.push({ reason: 'InvalidAddress', message, address });
  }

  /** MAC of the host interface under this one: the kernel's parent link, else the CNI conf's master, else a host link with our MAC. */
  #masterMac(mac: Mac | undefined, live: LiveInterface | undefined, master: string | undefined): Mac | undefined {
    const { hostLinks } = this.#observed;
    const parent = live?.parentIndex === undefined ? undefined : hostLinks.macOfIndex(live.parentIndex);
    const named = master === undefined ? undefined : hostLinks.macOfName(master);
    return parent ?? named ?? (mac !== undefined && hostLinks.nameOfMac(mac) !== undefined ? mac : undefined);
  }

  #isPrimary(address: IpAddress): boolean {
    return this.#holder.pod?.podIps.includes(address) ?? false;
  }
}

/** Far above what an ENI can carry, 64 of a family: a pod can give itself thousands, each of which would cost time in every round. */
const MAX_OWN = 256;

/** The addresses of an interface that are looked at: what is listed for it, and the first ones of each family, as the kernel has them. */
function firstOf(addresses: LiveInterface['addresses'], listed: ReadonlySet<IpAddress>) {
  const counts = { 4: 0, 6: 0 };
  const { near = [], beyond = [] } = Object.groupBy(addresses, ({ ip }) => {
    if (listed.has(ip)) return 'near';
    const family = familyOf(ip);
    counts[family] += 1;
    return counts[family] <= MAX_OWN ? 'near' : 'beyond';
  });
  return { near, beyond };
}

function tooMany(holder: PodRef, ifName: string, count: number): Refusal {
  const message = `${ifName} of pod ${podKey(holder)} has ${count} addresses more than the ${MAX_OWN} of a family that are looked at; remove those that no ENI is to have`;
  return { reason: 'AddressLimitExceeded', message };
}

function refOf({ namespace, name, uid }: PodRef): PodRef {
  return { namespace, name, uid };
}
