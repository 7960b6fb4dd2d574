import type { AddressApi } from '../../lib/ec2/api.ts';
import type { FloatingLeases } from '../../lib/kube/floating-leases.ts';
import type { Lease } from '../../lib/kube/lease-record.ts';
import type { NodeState } from '../../lib/kube/own-node.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { FloatingIp, FloatingIpStatus } from '../../lib/model/floating-ips/floating-ip.ts';
import type {
  AddressRecord,
  FloatingSnapshot,
  FloatingStep,
  FloatingTiming,
} from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { owesElasticIp } from '../../lib/plan/floating-ips/elastic-ip-steps.ts';
import { planFloating } from '../../lib/plan/floating-ips/plan.ts';
import { selects } from '../../lib/plan/floating-ips/selects.ts';
import { standingOf } from '../../lib/plan/floating-ips/standing.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { RECONCILE_RETRY_MS, ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import { Trigger } from '../../lib/runtime/trigger.ts';
import type { ElasticIpParts } from './elastic-ip.ts';
import { FloatingIpExecutor } from './executor.ts';
import { FactAge } from './fact-age.ts';
import { type HostAddresses } from './host-addresses.ts';
import { FloatingItem } from './item.ts';
import { LeaseClient } from './lease-client.ts';
import { type FloatingEvent, laneOf, type StepParts } from './step-parts.ts';

/** What the engine sees of the rest of the agent. */
export interface FloatingSurroundings {
  /** Undefined while it is not known which objects there are. */
  readonly floatingIps: readonly FloatingIp[] | undefined;
  readonly node: NodeState | undefined;
  /** Why the node is about to end, e.g. a spot interruption. */
  readonly leaving: string | undefined;
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on, wall-clock ms. */
  readonly describedAt: number | undefined;
  readonly podAddresses: ReadonlyMap<IpAddress, string>;
}

export interface FloatingIpReconcilerOptions {
  /** Monotonic: see `monotonicClock`. */
  readonly clock: Clock;
  /** Wall-clock ms, for records that people read. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: StepParts['metrics'];
  readonly nodeName: string;
  readonly instanceId: string;
  readonly timing: FloatingTiming;
  readonly ec2: AddressApi;
  readonly elasticIps: ElasticIpParts;
  readonly rateLimit: RateLimit;
  readonly leases: FloatingLeases;
  readonly host: HostAddresses;
  readonly records: Journal<AddressRecord>;
  readonly observe: () => FloatingSurroundings;
  readonly writeStatus: (ip: FloatingIp, status: FloatingIpStatus, exclusive: boolean) => Promise<void>;
  readonly happened: (ip: FloatingIp, event: FloatingEvent) => void;
  readonly fateOf: StepParts['fateOf'];
  /** The facts about our ENIs may be wrong: describe them. */
  readonly doubtEnis: (cause: string) => void;
  /** What has to be watched from now on. */
  readonly need: (need: FloatingNeed) => void;
  readonly callSignal: AbortSignal;
  /** Hears how reconciles end. @default kept to itself */
  readonly health?: ReconcileHealth;
}

/** Nothing is watched for objects that do not exist, and no Lease for objects that concern other nodes. */
export interface FloatingNeed {
  readonly node: boolean;
  readonly leases: boolean;
  /** This node holds something. */
  readonly holds: boolean;
}

/** How long a stop may take: park or hand over whatever is held, ms. */
const STOP_MS = 3_000;

/** The loop of the node-level floating IPs: observe, plan from the whole snapshot, act, and look again when a step has ended. */
export class FloatingIpReconciler {
  readonly #options: FloatingIpReconcilerOptions;
  readonly #trigger: Trigger;
  readonly #health: ReconcileHealth;
  readonly #performer: FloatingIpExecutor;
  readonly #items = new Map<string, FloatingItem>();
  readonly #flying = new Set<Promise<void>>();
  readonly #factAge: FactAge;
  readonly #jitter: number;
  #nodeSince: { readonly ready: NodeState['ready']; readonly at: number } | undefined;
  #fitSince: number | undefined;
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(options: FloatingIpReconcilerOptions) {
    this.#options = options;
    this.#trigger = new Trigger(() => this.#reconcileGuarded(), options.clock);
    this.#health = options.health ?? new ReconcileHealth(options);
    this.#performer = new FloatingIpExecutor({ ...options, enis: () => options.observe().enis });
    this.#factAge = new FactAge(options.clock, options.wall);
    this.#jitter = options.random();
  }

  wake(): void {
    this.#trigger.now();
  }

  /** The watch shows the Lease of an object; undefined: it was deleted. */
  leaseSeen(name: string, lease: Lease | undefined): void {
    this.#items.get(name)?.hold.told(lease);
    this.wake();
  }

  /** The watch of the Leases is open again after it was cut. */
  contactRegained(): void {
    for (const { hold } of this.#items.values()) hold.regained();
    this.wake();
  }

  /** Names of the objects whose Lease names this node. */
  held(): readonly string[] {
    return [...this.#items.values()]
      .filter(({ hold }) => hold.view?.holder === this.#options.nodeName)
      .map(({ ip }) => ip.name);
  }

  /** Works until the signal aborts, then parks or hands over what it holds; resolves when that is done, or after some seconds. */
  async run(stop: AbortSignal): Promise<void> {
    this.wake();
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#stopping = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const cancel = this.#options.clock.after(STOP_MS, resolve);
    this.wake();
    await promise;
    cancel();
    this.#trigger.stop();
    await Promise.all(this.#flying);
  }

  #reconcileGuarded(): void {
    this.#health.run(
      'floating IPs',
      () => this.#reconcile(),
      (error) => {
        this.#options.log.error('reconciling floating IPs failed; trying again', { error });
        this.#trigger.at(this.#options.clock.now() + RECONCILE_RETRY_MS);
      },
    );
  }

  #reconcile(): void {
    const { observe, need, host, doubtEnis } = this.#options;
    const now = observe();
    this.#meet(now.floatingIps);
    need(this.#needOf(now));
    const snapshot = host.known ? this.#snapshot(now) : undefined;
    if (snapshot === undefined) return this.#stopping ? this.#idle?.() : undefined;
    const planned = planFloating(snapshot);
    if (planned.describe !== undefined) doubtEnis(planned.describe);
    for (const step of planned.steps) this.#start(step);
    this.#trigger.at(planned.retryAt);
    this.#dropFinished(snapshot);
    if (this.#stopping && this.#flying.size === 0 && planned.steps.length === 0) this.#idle?.();
  }

  /** Takes in which objects there are; those that vanished stay until nothing of them is left on this node. */
  #meet(floatingIps: readonly FloatingIp[] | undefined): void {
    if (floatingIps === undefined) return;
    const listed = new Set(floatingIps.map(({ name }) => name));
    for (const ip of floatingIps) {
      const item = this.#items.get(ip.name) ?? this.#open(ip);
      item.deletedAt = undefined;
      if (item.source === ip) continue;
      const isSame = item.ip.uid === ip.uid;
      if (item.ip.generation !== ip.generation || !isSame) this.#edited(item, isSame);
      item.source = ip;
      item.ip = ip;
    }
    const now = this.#options.clock.now();
    for (const record of this.#options.records.values())
      if (!this.#items.has(record.floatingIp)) this.#open(forgotten(record));
    for (const [name, item] of this.#items) if (!listed.has(name)) item.deletedAt ??= now;
  }

  #open(ip: FloatingIp): FloatingItem {
    const { clock, wall, random, leases, nodeName, timing } = this.#options;
    const shared = { clock, wall, random, leases, nodeName, timing };
    const item = new FloatingItem(ip, (owner) => new LeaseClient({ ...shared, owner }), shared);
    this.#items.set(ip.name, item);
    return item;
  }

  #edited(item: FloatingItem, isSame: boolean): void {
    item.unfit = undefined;
    item.backoffs.keep(new Set());
    // What an earlier object of this name had is looked at again, whatever the Lease says.
    if (!isSame && item.elasticIp) item.elasticIp = { ...item.elasticIp, acquisition: -1 };
  }

  #needOf({ node }: FloatingSurroundings): FloatingNeed {
    const items = [...this.#items.values()];
    const labels = node?.labels;
    const recorded = new Set(this.#options.records.values().map(({ floatingIp }) => floatingIp));
    const concerned = ({ ip }: FloatingItem) =>
      recorded.has(ip.name) || (labels !== undefined && selects(ip.nodeSelector, labels));
    return { node: items.length > 0, leases: items.some(concerned), holds: this.held().length > 0 };
  }

  #snapshot({ node, leaving, enis, describedAt, podAddresses }: FloatingSurroundings): FloatingSnapshot {
    const { clock, nodeName, timing, host, records } = this.#options;
    const now = clock.now();
    const ready = node?.ready ?? 'True';
    if (this.#nodeSince?.ready !== ready) this.#nodeSince = { ready, at: now };
    if (node !== undefined && describedAt !== undefined) this.#fitSince ??= now;
    const all = records.values();
    const devices = host.devices();
    // Interfaces of our ENIs only, and where we once put something: what stands on other links is none of our business.
    const ours = new Set([...enis.map(({ mac }) => devices.get(mac)), ...all.map(({ device }) => device)]);
    const configured = host.configured().filter(({ device }) => ours.has(device));
    return {
      now,
      timing,
      node: {
        name: nodeName,
        labels: node?.labels,
        cordoned: node?.cordoned ?? false,
        ready,
        readySince: this.#nodeSince.at,
      },
      leaving,
      fitSince: this.#fitSince ?? now,
      stopping: this.#stopping,
      enis,
      describedAt: this.#factAge.of(describedAt),
      devices,
      podAddresses,
      items: [...this.#items.values()].map((item) => item.view(all, configured)),
      jitter: this.#jitter,
    };
  }

  #start(step: FloatingStep): void {
    const item = this.#items.get(step.name);
    const lane = laneOf(step);
    if (item === undefined || item.busy.has(lane) || this.#options.callSignal.aborted) return;
    item.busy.add(lane);
    const sure = () => {
      const { clock, timing, nodeName } = this.#options;
      const view = item.view([], []);
      return standingOf(view, { now: clock.now(), timing, node: { name: nodeName } }).state === 'sure';
    };
    const flight = this.#performer.perform(step, item, sure).finally(() => {
      item.busy.delete(lane);
      this.#flying.delete(flight);
      // Planned at once: what a step has made true may be what the next one waits for.
      this.#reconcileGuarded();
    });
    this.#flying.add(flight);
  }

  #dropFinished(snapshot: FloatingSnapshot): void {
    const recorded = new Set(this.#options.records.values().map(({ floatingIp }) => floatingIp));
    for (const [name, item] of this.#items) {
      const ours = item.hold.view?.holder === this.#options.nodeName;
      if (item.deletedAt === undefined || ours || recorded.has(name) || item.busy.size > 0) continue;
      if (!owesElasticIp(item.view([], []), snapshot)) this.#items.delete(name);
    }
  }
}

/** An object that was deleted while this agent did not run: only our record of its addresses is left. */
function forgotten({ floatingIp: name, elasticIp }: AddressRecord): FloatingIp {
  const status = { node: '', networkInterfaceId: '', publicIp: '', since: '', conditions: [] };
  const nothing = {
    addresses: [],
    nodeSelector: {},
    interface: undefined,
    elasticIp,
    preferredNodes: [],
    faults: [],
  };
  return { name, uid: '', generation: 0, resourceVersion: '', createdAt: '', ...nothing, status };
}
