import type { AddressApi, Assigned, AssignOptions, CallOptions, InstanceQuery } from '../../lib/ec2/api.ts';
import { translateError } from '../../lib/ec2/errors.ts';
import type { AddressHolder, InstanceOwner } from '../../lib/model/addresses/holder.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import { type Eni, type EniId, mac } from '../../lib/model/eni.ts';
import type { EniNature } from '../../lib/model/eni-protection.ts';
import { type Cidr, familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { Ec2Fault } from '../../sim/ec2/ec2-fault.ts';
import type { NetworkInterface } from '../../sim/ec2/entities.ts';
import { limitsOf } from '../../sim/ec2/instance-types.ts';

/** One call as it arrived at EC2. */
export interface Ec2Call {
  readonly node: string;
  readonly action: 'describe' | 'find' | 'instances' | 'subnets' | 'assign' | 'unassign';
  readonly at: number;
  /** Undefined for reads. */
  readonly eni: EniId | undefined;
  readonly addresses: readonly IpAddress[];
  readonly takeover: boolean;
  /** `ok`, the code of EC2's refusal, or the name of the injected fault. Undefined while unanswered. */
  outcome: string | undefined;
}

/**
 * What goes wrong with one call. `throttle` RequestLimitExceeded; `unavailable` refused for now, surely not done; `lost-request`
 * never arrived, and the caller cannot know; `lost-reply` done, and the caller cannot know; `hang` no answer until the caller gives up;
 * `foreign` HTTP 200 without an answer of EC2, and not done; `foreign-done` the same, and done.
 */
export type Fault = 'throttle' | 'unavailable' | 'lost-request' | 'lost-reply' | 'hang' | 'foreign' | 'foreign-done';

export interface FakeEc2Options {
  readonly clock: Clock;
  /** Round trip, ms; half before the effect, half after. @default 50 */
  readonly latencyMs?: number;
}

const SUBNET = '10.0.0.0/18';
const SUBNET_IPV6 = '2001:db8:0:1::/64';

/**
 * `AddressApi` on the simulator's rules of EC2, in process and on a virtual clock, with a log of calls and faults by choice.
 * Errors pass through the adapter's own translation.
 */
export class FakeEc2 {
  readonly cloud: Cloud;
  readonly calls: Ec2Call[] = [];
  /** Asked for every call as it arrives. */
  faults: (call: Ec2Call) => Fault | undefined = () => undefined;
  latencyMs: number;
  /** False: the answers of an endpoint that leaves the list out (facts §1.1: every element is optional). */
  saysWhatItAssigned = true;
  readonly #clock: Clock;
  #requests = 0;

  constructor({ clock, latencyMs = 50 }: FakeEc2Options) {
    this.#clock = clock;
    this.latencyMs = latencyMs;
    this.cloud = new Cloud({ now: () => clock.now() });
    const vpc = this.cloud.addVpc({ id: 'vpc-1', cidr: '10.0.0.0/16', ipv6Cidr: '2001:db8::/56' });
    this.cloud.addSubnet({ id: 'subnet-1', vpcId: vpc.id, cidr: SUBNET, ipv6Cidr: SUBNET_IPV6 });
  }

  /** An instance with its primary ENI and `multusEnis` more, named `eni-<node>-1…`, all in one subnet, MACs from {@link macOf}. */
  addNode(node: string, multusEnis: number, type = 'm5.24xlarge'): void {
    this.cloud.addInstance({ id: instanceOf(node), type, subnetId: 'subnet-1' });
    for (let index = 1; index <= multusEnis; index += 1) this.attachEni(node, index);
  }

  attachEni(node: string, index: number): void {
    const id = eniOf(node, index);
    this.cloud.addInterface({
      id,
      subnetId: 'subnet-1',
      instanceId: instanceOf(node),
      deviceIndex: index,
      mac: macOf(id),
    });
  }

  /** Who holds an address now, beyond all lag. */
  holderOf(address: IpAddress): EniId | undefined {
    return this.cloud.state.holderOf('subnet-1', address);
  }

  /** The addresses of an ENI beside its primary one, now. */
  secondariesOf(eni: EniId): IpAddress[] {
    const { addresses, ipv6Addresses } = this.cloud.state.requireInterfaceNow(eni);
    return [...addresses, ...ipv6Addresses].filter(({ primary }) => !primary).map(({ ip }) => ip);
  }

  writes(node?: string): Ec2Call[] {
    return this.calls.filter(({ action, node: by }) => ['assign', 'unassign'].includes(action) && (node ?? by) === by);
  }

  reads(node?: string): Ec2Call[] {
    return this.calls.filter(
      ({ action, node: by }) => ['describe', 'find', 'instances', 'subnets'].includes(action) && (node ?? by) === by,
    );
  }

  /** EC2 as one node's agent calls it. */
  api(node: string): AddressApi {
    return {
      describeEnis: (instanceId, options) =>
        this.#read({ ...read(node), action: 'describe' }, options, () => this.#enisOf(instanceId)),
      findHolders: (addresses, options) =>
        this.#read({ ...read(node), action: 'find', addresses }, options, () => this.#holders(addresses)),
      vpcNetworks: (options) =>
        this.#read({ ...read(node), action: 'subnets' }, options, () => [SUBNET as Cidr, SUBNET_IPV6 as Cidr]),
      instanceOwners: (query, options) =>
        this.#read({ ...read(node), action: 'instances' }, options, () => this.#owners(query)),
      assign: (eni, addresses, options) => this.#write({ node, action: 'assign', eni, addresses }, options),
      unassign: (eni, addresses, options) =>
        this.#write({ node, action: 'unassign', eni, addresses }, { ...options, takeover: false }),
    };
  }

  async #read<T>(
    about: Pick<Ec2Call, 'node' | 'action' | 'addresses'>,
    options: CallOptions,
    answer: () => T,
  ): Promise<T> {
    return this.#call({ ...about, eni: undefined, takeover: false }, options, answer);
  }

  async #write(
    about: Pick<Ec2Call, 'node' | 'action' | 'eni' | 'addresses'>,
    options: AssignOptions,
  ): Promise<Assigned> {
    const call = { ...about, takeover: options.takeover };
    return this.#call(call, options, (requestId) => {
      const assigned = this.#change(call);
      return { requestId, assigned: this.saysWhatItAssigned ? assigned : undefined };
    });
  }

  async #call<T>(about: Omit<Ec2Call, 'at' | 'outcome'>, { signal }: CallOptions, act: (id: string) => T): Promise<T> {
    const mutating = about.action === 'assign' || about.action === 'unassign';
    const fail = (thrown: unknown, sent = true): Ec2Error =>
      translateError(thrown, { action: about.action, mutating, sent, addresses: about.addresses });
    if (signal.aborted) throw fail(aborted(), false);
    await this.#clock.sleep(this.latencyMs / 2, signal);
    if (signal.aborted) throw fail(aborted());
    const call: Ec2Call = { ...about, at: this.#clock.now(), outcome: undefined };
    this.calls.push(call);
    const requestId = `request-${++this.#requests}`;
    const fault = this.faults(call);
    call.outcome = fault ?? 'ok';
    const result =
      fault === undefined || fault === 'lost-reply' || fault === 'foreign-done'
        ? attempt(() => act(requestId))
        : undefined;
    if (fault === 'hang') await untilAborted(signal);
    else await this.#clock.sleep(this.latencyMs / 2, signal);
    if (signal.aborted) throw fail(aborted());
    if (fault !== undefined) throw fail(FAULTS[fault]);
    if (result === undefined) throw new Error('unreachable: a call without fault has a result');
    if ('value' in result) return result.value;
    call.outcome = result.fault.code;
    throw fail({
      Code: result.fault.code,
      message: result.fault.message,
      $metadata: { httpStatusCode: result.fault.status, requestId },
    });
  }

  #change({
    action,
    eni,
    addresses,
    takeover,
  }: Pick<Ec2Call, 'action' | 'eni' | 'addresses' | 'takeover'>): IpAddress[] {
    const networkInterfaceId = eni ?? '';
    const ipv4 = addresses.every((address) => familyOf(address) === 4);
    if (!ipv4 && addresses.some((address) => familyOf(address) === 4)) throw new TypeError('one family per call');
    if (action === 'assign' && ipv4) {
      const privateIpAddresses = addresses;
      return this.cloud
        .assignPrivateIpAddresses({ networkInterfaceId, privateIpAddresses, allowReassignment: takeover })
        .assignedPrivateIpAddressesSet.map(({ privateIpAddress }) => privateIpAddress);
    }
    if (action === 'assign')
      return this.cloud.assignIpv6Addresses({ networkInterfaceId, ipv6Addresses: addresses }).assignedIpv6Addresses;
    if (ipv4) this.cloud.unassignPrivateIpAddresses({ networkInterfaceId, privateIpAddresses: addresses });
    else this.cloud.unassignIpv6Addresses({ networkInterfaceId, ipv6Addresses: addresses });
    return [];
  }

  #enisOf(instanceId: string): Eni[] {
    const { state } = this.cloud;
    const { ipv4PerInterface: ipv4, ipv6PerInterface: ipv6 } = limitsOf(state.requireInstance(instanceId).type);
    return state
      .interfacesOf(instanceId, state.describeMoment())
      .filter((eni) => eni.attachment?.phase === 'attached' && !eni.requesterManaged)
      .map((eni) => this.#eni(eni, { ipv4, ipv6 }));
  }

  #eni(eni: NetworkInterface, limits: Eni['limits']): Eni {
    const { cidr, ipv6Cidr } = this.cloud.state.requireSubnet(eni.subnetId);
    return {
      id: eni.id,
      mac: mac(eni.mac),
      ...natureOf(eni),
      deviceIndex: eni.attachment?.deviceIndex ?? 0,
      subnetId: eni.subnetId,
      vpcId: eni.vpcId,
      cidrs: [cidr, ...(ipv6Cidr === undefined ? [] : [ipv6Cidr])],
      addresses: [...eni.addresses, ...eni.ipv6Addresses].map(({ ip, primary }) => ({ ip, primary })),
      prefixes: [...eni.ipv4Prefixes, ...eni.ipv6Prefixes],
      limits,
    };
  }

  #owners(query: InstanceQuery): Map<string, InstanceOwner> {
    const { state } = this.cloud;
    const ids =
      'ids' in query ? query.ids : Array.from(this.#holders(query.addresses).values(), (each) => each.instanceId ?? '');
    const known = ids.flatMap((id) => state.instances.get(id) ?? []);
    return new Map(known.map(({ id, tags }) => [id, { tags: Object.fromEntries(tags) }]));
  }

  #holders(addresses: readonly IpAddress[]): Map<IpAddress, AddressHolder> {
    const { state } = this.cloud;
    const holders = new Map<IpAddress, AddressHolder>();
    for (const eni of state.allInterfaces(state.describeMoment())) {
      for (const { ip, primary } of [...eni.addresses, ...eni.ipv6Addresses]) {
        if (addresses.includes(ip))
          holders.set(ip, { eni: eni.id, instanceId: eni.attachment?.instanceId, primary, nature: natureOf(eni) });
      }
    }
    return holders;
  }
}

function natureOf(eni: NetworkInterface): EniNature {
  return {
    deviceIndex: eni.attachment?.deviceIndex,
    networkCard: eni.attachment?.networkCardIndex ?? 0,
    description: eni.description,
    interfaceType: eni.interfaceType,
    requesterManaged: eni.requesterManaged,
    tags: Object.fromEntries(eni.tags),
  };
}

export function instanceOf(node: string): string {
  return `i-${node}`;
}

export function eniOf(node: string, index: number): EniId {
  return `eni-${node}-${index}`;
}

/** A MAC made of an ENI's id, the same in every run. */
export function macOf(eni: EniId): string {
  const hash = eni.split('').reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 7);
  const bytes = [24, 16, 8, 0].map((shift) => ((hash >>> shift) & 0xff).toString(16).padStart(2, '0'));
  return `02:00:${bytes.join(':')}`;
}

function read(node: string) {
  return { node, addresses: [] };
}

/** As the SDK throws them. */
const FAULTS = {
  throttle: { Code: 'RequestLimitExceeded', message: 'Request limit exceeded.', $metadata: { httpStatusCode: 503 } },
  unavailable: { Code: 'Unavailable', message: 'The server is overloaded.', $metadata: { httpStatusCode: 503 } },
  'lost-request': { code: 'ECONNRESET', message: 'socket hang up' },
  'lost-reply': { code: 'ECONNRESET', message: 'socket hang up' },
  hang: { name: 'AbortError', message: 'Request aborted' },
  foreign: { name: 'UnreadableAnswer', message: 'it is empty', $metadata: { httpStatusCode: 200 } },
  'foreign-done': { name: 'UnreadableAnswer', message: 'it is empty', $metadata: { httpStatusCode: 200 } },
} satisfies Record<Fault, object>;

function aborted() {
  return { name: 'AbortError', message: 'Request aborted' };
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly fault: Ec2Fault } {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof Ec2Fault) return { fault: error };
    throw error;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
