import type { Lease } from '../../lib/kube/lease-record.ts';
import type { NodeState } from '../../lib/kube/own-node.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import {
  type ElasticIpView,
  type FloatingSnapshot,
  type FloatingStep,
  OF_EARLIER_OBJECT,
} from '../../lib/model/floating-ips/plan.ts';
import { mayHaveElasticIp, owesElasticIp } from '../../lib/plan/floating-ips/elastic-ip-steps.ts';
import { leaseStateOf } from '../../lib/plan/floating-ips/lease-state.ts';
import { planFloating } from '../../lib/plan/floating-ips/plan.ts';
import { NO_HOLDS, type RoutedHolds, routedClaims, UNKNOWN_HOLDS } from '../../lib/plan/floating-ips/routed-claims.ts';
import { selects } from '../../lib/plan/floating-ips/selects.ts';
import { type Plan, Reconciler } from '../../lib/runtime/reconciler.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import { forgotten } from './address-record.ts';
import { FloatingIpExecutor } from './executor.ts';
import { FactAge } from './fact-age.ts';
import { FloatingItem } from './item.ts';
import { LeaseClient } from './lease-client.ts';
import type { FloatingIpReconcilerOptions, FloatingNeed, FloatingSurroundings } from './reconciler-options.ts';
import { firstOfEach, keyOfStep } from './step-parts.ts';

/** How long a stop may take: park or hand over whatever is held, ms. */
const STOP_MS = 3_000;

/** The loop of the node-level floating IPs: observe, plan from the whole snapshot, act, and look again when a step has ended. */
export class FloatingIpReconciler {
  readonly #options: FloatingIpReconcilerOptions;
  readonly #reconciler: Reconciler<FloatingStep>;
  readonly #executor: FloatingIpExecutor;
  readonly #items = new Map<string, FloatingItem>();
  readonly #ended = new AbortController();
  readonly #factAge: FactAge;
  readonly #jitter: number;
  #nodeSince: { readonly ready: NodeState['ready']; readonly at: number } | undefined;
  #fitSince: number | undefined;
  #routedNow = '';
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(options: FloatingIpReconcilerOptions) {
    this.#options = options;
    const { clock, wall, random, log, health, callSignal } = options.process;
    this.#executor = new FloatingIpExecutor(options);
    this.#factAge = new FactAge(clock, wall);
    this.#jitter = random();
    this.#reconciler = new Reconciler(
      {
        clock,
        rateLimiter: ec2Limiter(options.ec2.rateLimit),
        plan: () => this.#plan(),
        steps: {
          keyOf: keyOfStep,
          // A step makes several calls, each with a permission of its own and behind a fence: see `permitted`.
          priorityOf: () => undefined,
          mayAct: () => true,
          act: (step) => this.#act(step),
          failed: (step, error) => log.error('a step for a floating IP failed', { step: step.kind, error }),
        },
        onFault: (error) => log.error('reconciling floating IPs failed; trying again', { error }),
        ...(health && { healthOf: { loop: 'floating IPs', health } }),
      },
      AbortSignal.any([callSignal, this.#ended.signal]),
    );
  }

  trigger(): void {
    this.#reconciler.trigger();
  }

  /** The watch shows the Lease of an object; undefined: it was deleted. */
  leaseSeen(name: string, lease: Lease | undefined): void {
    this.#items.get(name)?.hold.onLease(lease);
    this.trigger();
  }

  /** The watch of the Leases is open again after it was cut. */
  contactRegained(): void {
    for (const { hold } of this.#items.values()) hold.regained();
    this.trigger();
  }

  /** What route tables should lead here now, from a fresh look: a hold may have ended since the last plan. */
  routed(): RoutedHolds {
    const now = this.#options.observe();
    return this.#routedIn(now.floatingIps, () => this.#snapshot(now));
  }

  /** Routes of an object have moved here. */
  routesMoved(name: string): void {
    this.#items.get(name)?.countFailover(this.#options.process);
  }

  /** Works until the signal aborts, then parks or hands over what it holds; resolves when that is done, or after some seconds. */
  async run(stop: AbortSignal): Promise<void> {
    this.trigger();
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#stopping = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const cancel = this.#options.process.clock.after(STOP_MS, resolve);
    this.trigger();
    await promise;
    cancel();
    this.#ended.abort();
    await this.#reconciler.idle();
  }

  #plan(): Plan<FloatingStep> {
    const { observe, need, ec2 } = this.#options;
    const now = observe();
    this.#meet(now.floatingIps);
    need(this.#needOf(now));
    const snapshot = this.#snapshot(now);
    const planned = snapshot && planFloating(snapshot);
    if (planned?.describe !== undefined) ec2.invalidateEnis(planned.describe);
    const steps = firstOfEach(planned?.steps ?? []);
    this.#noteRouted(this.#routedIn(now.floatingIps, () => snapshot));
    if (snapshot !== undefined) this.#dropFinished(snapshot, steps);
    const isIdle = steps.length === 0 && [...this.#items.values()].every(({ underWay }) => underWay === 0);
    const isDone = snapshot === undefined || isIdle;
    if (this.#stopping && isDone) this.#idle?.();
    return { steps, retryAt: planned?.retryAt };
  }

  /** Triggers whoever writes the routes when what they should be has changed. */
  #noteRouted(holds: RoutedHolds): void {
    const text = JSON.stringify(holds);
    if (text === this.#routedNow) return;
    this.#routedNow = text;
    this.#options.onRouted();
  }

  #routedIn(floatingIps: FloatingSurroundings['floatingIps'], look: () => FloatingSnapshot | undefined): RoutedHolds {
    if (floatingIps?.every(({ routeTables }) => routeTables.length === 0)) return NO_HOLDS;
    // What the watch shows before the next plan has taken it in is not known yet.
    const snapshot = floatingIps?.every(({ name }) => this.#items.has(name)) ? look() : undefined;
    return snapshot === undefined ? UNKNOWN_HOLDS : routedClaims(snapshot);
  }

  /** Takes in which objects there are; those that vanished stay until nothing of them is left on this node. */
  #meet(floatingIps: readonly FloatingIp[] | undefined): void {
    if (floatingIps === undefined) return;
    const listed = new Set(floatingIps.map(({ name }) => name));
    for (const ip of floatingIps) {
      const item = this.#items.get(ip.name) ?? this.#open(ip);
      if (item.source !== ip) this.#changed(item, ip);
      item.deletedAt = undefined;
    }
    const now = this.#options.process.clock.now();
    for (const record of this.#options.node.records.values())
      if (!this.#items.has(record.floatingIp)) this.#open(forgotten(record));
    for (const [name, item] of this.#items) if (!listed.has(name)) item.deletedAt ??= now;
  }

  #open(ip: FloatingIp): FloatingItem {
    const { process, objects, node } = this.#options;
    const shared = { ...process, ...objects, nodeName: node.name };
    const item = new FloatingItem(ip, (owner) => new LeaseClient({ ...shared, owner }), process);
    this.#items.set(ip.name, item);
    return item;
  }

  #changed(item: FloatingItem, ip: FloatingIp): void {
    const isSame = item.ip.uid === ip.uid;
    if (item.ip.generation !== ip.generation || !isSame) {
      item.unfit = undefined;
      item.backoffs.keep(new Set());
    }
    if (!isSame) item.elasticIp = ofEarlierObject(item);
    item.source = ip;
    item.ip = ip;
  }

  #needOf({ node }: FloatingSurroundings): FloatingNeed {
    const items = [...this.#items.values()];
    const labels = node?.labels;
    const recorded = new Set(this.#options.node.records.values().map(({ floatingIp }) => floatingIp));
    const concerned = ({ ip }: FloatingItem) =>
      recorded.has(ip.name) || (labels !== undefined && selects(ip.nodeSelector, labels));
    const held = items.filter(({ hold }) => hold.view?.holder === this.#options.node.name);
    return { node: items.length > 0, leases: items.some(concerned), holds: held.map(({ ip }) => ip.name) };
  }

  /** Undefined before it is known what is on the host's interfaces. */
  #snapshot(seen: FloatingSurroundings): FloatingSnapshot | undefined {
    const { node, leaving, enis, describedAt, podAddresses, routed } = seen;
    const { process, objects, node: own } = this.#options;
    const { host, records } = own;
    if (!host.known) return undefined;
    const now = process.clock.now();
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
      timing: objects.timing,
      node: {
        name: own.name,
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
      aliases: host.aliases(),
      podAddresses,
      routed,
      items: [...this.#items.values()].map((item) => item.view(all, configured)),
      jitter: this.#jitter,
    };
  }

  async #act(step: FloatingStep): Promise<void> {
    const item = this.#items.get(step.name);
    if (item === undefined) return;
    const holdsLease = () => {
      const { process, objects, node } = this.#options;
      const view = item.view([], []);
      return leaseStateOf(view, { now: process.clock.now(), timing: objects.timing, node }).state === 'held';
    };
    item.underWay += 1;
    try {
      await this.#executor.perform(step, item, holdsLease);
    } finally {
      item.underWay -= 1;
    }
  }

  #dropFinished(snapshot: FloatingSnapshot, steps: readonly FloatingStep[]): void {
    const recorded = new Set(this.#options.node.records.values().map(({ floatingIp }) => floatingIp));
    const wanted = new Set(steps.map(({ name }) => name));
    for (const [name, item] of this.#items) {
      const ours = item.hold.view?.holder === this.#options.node.name;
      if (item.deletedAt === undefined || ours || recorded.has(name) || wanted.has(name) || item.underWay > 0) continue;
      if (!owesElasticIp(item.view([], []), snapshot)) this.#items.delete(name);
    }
  }
}

/** What is known of the Elastic IP of an object when another one of its name comes: nothing, or that it has to be looked for. */
function ofEarlierObject(item: FloatingItem): ElasticIpView | undefined {
  if (!mayHaveElasticIp(item.view([], []))) return undefined;
  const source = item.elasticIp?.source ?? item.ip.elasticIp;
  return { acquisition: OF_EARLIER_OBJECT, source, publicIp: undefined, backoff: undefined };
}
