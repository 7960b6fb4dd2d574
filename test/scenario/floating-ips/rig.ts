import { oneCallPerEni } from '../../../agent/aws/eni-writer.ts';
import { ElasticIpCache } from '../../../agent/elastic-ips/cache.ts';
import { ElasticIpCalls } from '../../../agent/elastic-ips/calls.ts';
import { reviveAddressRecord } from '../../../agent/floating-ips/address-record.ts';
import type { ElasticIpParts } from '../../../agent/floating-ips/elastic-ip.ts';
import { HostAddresses, type HostInterface } from '../../../agent/floating-ips/host-addresses.ts';
import { FloatingIpReconciler } from '../../../agent/floating-ips/reconciler.ts';
import type { Existence } from '../../../lib/kube/floating-ips.ts';
import type { FloatingLeases } from '../../../lib/kube/floating-leases.ts';
import { KubeError } from '../../../lib/kube/kube-error.ts';
import type { Lease } from '../../../lib/kube/lease-record.ts';
import type { NodeState } from '../../../lib/kube/own-node.ts';
import type { Eni } from '../../../lib/model/eni.ts';
import { type FloatingIp, floatingIpOf } from '../../../lib/model/floating-ips/floating-ip.ts';
import type { ConfiguredAddress } from '../../../lib/model/floating-ips/plan.ts';
import { type AddressRecord, FLOATING_TIMING } from '../../../lib/model/floating-ips/plan.ts';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import type { Cancel, Clock } from '../../../lib/runtime/clock.ts';
import { Journal } from '../../../lib/runtime/journal.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { eniOf, FakeEc2, instanceOf, macOf } from '../../support/fake-ec2.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';
import { Region } from '../elastic-ips/region.ts';

/** Between a client and the API server, one way, ms. */
const LATENCY_MS = 4;

/** Timers of a process that can be stopped and continued; time itself goes on. */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  #held: (() => void)[] | undefined;
  #dead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
      function done() {
        cancel();
        resolve();
      }
    });
  }

  after(ms: number, callback: () => void): Cancel {
    let cancelled = false;
    const cancel = this.#clock.after(ms, () => this.run(() => cancelled || callback()));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** Runs a callback when the process runs: now, when it continues, or never. */
  run(callback: () => unknown): void {
    if (this.#dead) return;
    if (this.#held) this.#held.push(() => this.run(callback));
    else callback();
  }

  get stopped(): boolean {
    return this.#held !== undefined;
  }

  /** Resolves when the process runs. */
  running(): Promise<void> {
    return new Promise((resolve) => this.run(resolve));
  }

  stop(): void {
    this.#held ??= [];
  }

  continue(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const callback of held) callback();
  }

  kill(): void {
    this.#dead = true;
  }
}

/** The API server: Leases with compare-and-set, told to everybody who watches. */
class LeaseServer {
  up = true;
  readonly leases = new Map<string, Lease>();
  readonly watchers = new Set<(name: string, lease: Lease | undefined) => void>();
  readonly writes: { readonly node: string; readonly at: number; readonly holder: string }[] = [];
  #version = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  client(node: SimNode, process: ProcessClock): FloatingLeases {
    const exchange = async <T>(act: () => T): Promise<T> => {
      await this.#travel();
      const reachable = this.up && node.connected;
      const answer = reachable ? attempt(act) : undefined;
      await this.#travel();
      await process.running();
      if (!this.up || !node.connected) throw new KubeError({ status: 0, reason: 'Network', message: 'down' });
      if (answer === undefined) throw new KubeError({ status: 0, reason: 'Network', message: 'down' });
      if ('error' in answer) throw answer.error;
      return answer.value;
    };
    return {
      read: (name) => exchange(() => this.leases.get(name)),
      write: (owner, known, spec) =>
        exchange(() => {
          const current = this.leases.get(owner.name);
          if (current?.metadata.resourceVersion !== known?.metadata.resourceVersion)
            throw new KubeError({ status: 409, reason: 'Conflict', message: '' });
          this.#version += 1;
          const metadata = {
            namespace: 'ns',
            name: owner.name,
            resourceVersion: String(this.#version),
            uid: current?.metadata.uid ?? `lease-${this.#version}`,
            ownerReferences: current?.metadata.ownerReferences ?? [{ uid: owner.uid }],
          };
          const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
          this.leases.set(owner.name, lease);
          this.writes.push({ node: node.name, at: this.#clock.now(), holder: spec.holderIdentity ?? '' });
          for (const tell of this.watchers) tell(owner.name, lease);
          return lease;
        }),
    };
  }

  /** As the garbage collector does when the owner is gone. */
  collect(name: string): void {
    if (this.leases.delete(name)) for (const tell of this.watchers) tell(name, undefined);
  }

  holder(name: string): string {
    return this.leases.get(name)?.spec?.holderIdentity ?? '';
  }

  #travel(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(LATENCY_MS, resolve));
  }
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: act() };
  } catch (error) {
    return { error };
  }
}

/** A machine: its interfaces and disk outlive the agent's process. */
export class SimNode {
  readonly name: string;
  readonly #rig: Rig;
  connected = true;
  alive = true;
  cordoned = false;
  ready: NodeState['ready'] = 'True';
  leaving: string | undefined;
  /** What its watch showed last, while that is late; undefined: it shows what is. */
  lateObjects: readonly FloatingIp[] | undefined;
  labels: Record<string, string> = { ingress: 'yes' };
  pods = new Map<IpAddress, string>();
  configured: ConfiguredAddress[] = [];
  enis: readonly Eni[] = [];
  describedAt: number | undefined;
  process: ProcessClock | undefined;
  engine: FloatingIpReconciler | undefined;
  #records: Journal<AddressRecord>;
  #stop: AbortController | undefined;
  #calls: AbortController | undefined;
  #running: Promise<void> | undefined;
  #describing = false;
  readonly events: string[] = [];
  /** What it measured. */
  readonly failovers: { readonly name: string; readonly seconds: number }[] = [];
  /** Takeovers as the metric counts them: cause and the ENI that lost the address. */
  readonly took: (string | undefined)[][] = [];

  constructor(name: string, rig: Rig) {
    this.name = name;
    this.#rig = rig;
    this.#records = new Journal<AddressRecord>({
      path: '',
      access: 'memory',
      revive: reviveAddressRecord,
      onProblem: () => undefined,
    });
  }

  get running(): boolean {
    return this.engine !== undefined;
  }

  start(): void {
    const { clock, ec2, server, random } = this.#rig;
    const process = new ProcessClock(clock);
    this.process = process;
    const [stop, calls] = [new AbortController(), new AbortController()];
    const rateLimit = new RateLimit({ clock: process, random });
    const unlessDown = () => {
      if (!server.up || !this.connected) throw new KubeError({ status: 0, reason: 'Network', message: 'down' });
    };
    const engine = new FloatingIpReconciler({
      process: {
        clock: process,
        wall: () => clock.now(),
        random,
        log: silentLogger,
        metrics: {
          floatingIpFailover: (name, seconds) => this.failovers.push({ name, seconds }),
          tookOver: (...took) => this.took.push(took),
        },
        callSignal: calls.signal,
      },
      node: {
        name: this.name,
        host: new HostAddresses(
          {
            interfaces: () => this.#interfaces(),
            add: (place) => this.#add(place),
            remove: (place) => this.#remove(place),
          },
          process,
        ),
        records: this.#records,
      },
      ec2: {
        instanceId: instanceOf(this.name),
        addresses: oneCallPerEni(gated(ec2.api(this.name), process)),
        elasticIps: this.#elasticIps(process, rateLimit, calls.signal),
        rateLimit,
        enis: () => this.enis,
        wrote: () => undefined,
        invalidateEnis: () => this.#describe(process, calls.signal),
      },
      objects: {
        timing: FLOATING_TIMING,
        leases: server.client(this, process),
        existenceOf: async (name) => this.#rig.existenceOf(name),
        hasSuccessor: async () => {
          unlessDown();
          return this.#rig.nodes.some((node) => node !== this && node.ready === 'True' && !node.cordoned);
        },
        writeStatus: async (object, status) => {
          unlessDown();
          this.#rig.setStatus(object.name, status);
        },
        recordEvent: (_object, event) => this.events.push(`${event.type} ${event.reason}`),
      },
      observe: () => ({
        floatingIps: this.lateObjects ?? this.#rig.objects,
        node: { name: this.name, labels: this.labels, cordoned: this.cordoned, ready: this.ready },
        leaving: this.leaving,
        enis: this.enis,
        describedAt: this.describedAt,
        podAddresses: this.pods,
        routed: new Map(),
      }),
      onRouted: () => undefined,
      need: () => undefined,
    });
    this.engine = engine;
    this.#stop = stop;
    this.#calls = calls;
    const tell = (name: string, lease: Lease | undefined) =>
      clock.after(LATENCY_MS, () => process.run(() => server.up && this.connected && engine.leaseSeen(name, lease)));
    server.watchers.add(tell);
    calls.signal.addEventListener('abort', () => server.watchers.delete(tell), { once: true });
    this.#describe(process, calls.signal);
    const resync = () => {
      if (calls.signal.aborted) return;
      this.#describe(process, calls.signal);
      process.after(15_000, resync);
    };
    process.after(15_000, resync);
    this.#running = engine.run(stop.signal);
  }

  /** SIGTERM, and until the process has ended. */
  async terminate(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
    this.#calls?.abort();
    this.engine = undefined;
  }

  /** SIGKILL of the agent: the interfaces stay as they are. */
  kill(): void {
    this.process?.kill();
    this.#calls?.abort();
    this.engine = undefined;
  }

  /** The machine is gone. */
  die(): void {
    this.kill();
    this.alive = false;
    this.configured = [];
  }

  trigger(): void {
    this.process?.run(() => this.engine?.trigger());
  }

  #elasticIps(clock: ProcessClock, rateLimit: RateLimit, signal: AbortSignal): ElasticIpParts {
    const ec2 = gated(this.#rig.eips.api(this.name), clock);
    const parts = { clock, ec2, rateLimit, random: this.#rig.random, log: silentLogger, trigger: () => undefined };
    const cache = new ElasticIpCache(parts, signal);
    return { ...parts, cache, calls: new ElasticIpCalls(ec2, cache), clusterName: 'test' };
  }

  #interfaces(): HostInterface[] {
    const eth0 = { name: 'eth0', ifindex: 2, mac: macOf(eniOf(this.name, 1)) };
    return [
      { ...eth0, addresses: this.configured.map(({ address, prefixLength }) => ({ ip: address, prefixLength })) },
    ];
  }

  async #add(place: ConfiguredAddress): Promise<void> {
    await this.#command();
    if (!this.configured.some(({ address }) => address === place.address)) this.configured.push(place);
    this.#rig.noteHosts();
  }

  async #remove(place: ConfiguredAddress): Promise<void> {
    await this.#command();
    this.configured = this.configured.filter(({ address }) => address !== place.address);
    this.#rig.noteHosts();
  }

  async #command(): Promise<void> {
    await new Promise<void>((resolve) => this.#rig.clock.after(3, resolve));
    await this.process?.running();
    if (!this.alive) throw new Error('the machine is gone');
  }

  #describe(process: ProcessClock, signal: AbortSignal): void {
    if (this.#describing && !signal.aborted) return;
    this.#describing = true;
    const askedAt = this.#rig.clock.now();
    this.#rig.ec2
      .api(this.name)
      .describeEnis(instanceOf(this.name), { signal })
      .then(async (enis) => {
        await process.running();
        this.enis = enis;
        this.describedAt = askedAt;
        this.engine?.trigger();
      })
      .catch(() => undefined)
      .finally(() => (this.#describing = false));
  }
}

/** A stopped process hears no answers. */
function gated<T extends object>(api: T, process: ProcessClock): T {
  return new Proxy(api, {
    get(target, key, receiver) {
      const member: unknown = Reflect.get(target, key, receiver);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        await process.running();
        try {
          return await member.apply(target, args);
        } finally {
          await process.running();
        }
      };
    },
  });
}

export const VIP = ip('10.0.9.201');

/** Machines, EC2 and an API server in one process on virtual time. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly ec2 = new FakeEc2({ clock: this.clock, latencyMs: 120 });
  readonly eips = new Region(this.clock, this.ec2.cloud);
  readonly server = new LeaseServer(this.clock);
  readonly random: () => number;
  readonly nodes: SimNode[];
  objects: FloatingIp[] = [];
  /** The definition of FloatingIPs stands. */
  defined = true;
  #created = 0;
  /** Called whenever an interface changes. */
  noteHosts: () => void = () => undefined;

  constructor(seed: number, names: readonly string[] = ['a', 'b', 'c']) {
    this.random = seededRandom(seed);
    this.nodes = names.map((name) => {
      this.ec2.addNode(name, 1);
      return new SimNode(name, this);
    });
  }

  node(name: string): SimNode {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** Creates or replaces an object and tells the agents. */
  apply(name: string, spec: object): void {
    const before = this.objects.find((object) => object.name === name);
    if (before === undefined) this.#created += 1;
    const metadata = {
      name,
      uid: before?.uid ?? `uid-${name}-${this.#created}`,
      generation: (before?.generation ?? 0) + 1,
      resourceVersion: '1',
      creationTimestamp: before?.createdAt ?? new Date(this.clock.now()).toISOString(),
    };
    const object = floatingIpOf({ metadata, spec });
    if (object === undefined) throw new Error('not an object');
    this.objects = [
      ...this.objects.filter((other) => other.name !== name),
      { ...object, ...(before && { status: before.status }) },
    ];
    this.trigger();
  }

  /** With the garbage collector of a real cluster, which takes the Lease along. */
  delete(name: string): void {
    this.objects = this.objects.filter((object) => object.name !== name);
    this.trigger();
    this.clock.after(50, () => {
      if (this.existenceOf(name) !== 'exists') this.server.collect(name);
    });
  }

  existenceOf(name: string): Existence {
    if (this.objects.some((object) => object.name === name)) return 'exists';
    return this.defined ? 'deleted' : 'definition removed';
  }

  setStatus(name: string, status: FloatingIp['status']): void {
    this.objects = this.objects.map((object) => (object.name === name ? { ...object, status } : object));
    this.clock.after(LATENCY_MS, () => this.trigger());
  }

  trigger(): void {
    for (const node of this.nodes) node.trigger();
  }

  /** Nodes that have the address on an interface. */
  hosts(address: IpAddress = VIP): string[] {
    return this.nodes
      .filter(({ configured }) => configured.some((place) => place.address === address))
      .map(({ name }) => name);
  }

  /** The node whose ENI has the address in EC2. */
  holder(address: IpAddress = VIP): string | undefined {
    const eni = this.ec2.holderOf(address);
    return eni?.split('-')[1];
  }

  /** The node that serves: EC2 and interface agree, and the machine lives. */
  serving(address: IpAddress = VIP): string | undefined {
    const holder = this.holder(address);
    return holder !== undefined && this.node(holder).alive && this.hosts(address).includes(holder) ? holder : undefined;
  }

  async untilServedBy(accept: (node: string) => boolean, withinMs: number, address: IpAddress = VIP): Promise<number> {
    const served = () => {
      const node = this.serving(address);
      return node !== undefined && accept(node);
    };
    return this.clock.until(served, withinMs, `serving ${address}`);
  }

  close(): void {
    for (const node of this.nodes) node.kill();
  }
}
