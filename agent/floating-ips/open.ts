import { join } from 'node:path';
import type { NodeOptions } from '../../lib/config/options.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { existenceOf, FLOATING_IP_API, patchFloatingIpStatus } from '../../lib/kube/floating-ips.ts';
import { createFloatingLeases } from '../../lib/kube/floating-leases.ts';
import { hasOtherReadyNode } from '../../lib/kube/own-node.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { type AddressRecord, FLOATING_TIMING, type RoutedState } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { isClaimOf, type RoutedHolds } from '../../lib/plan/floating-ips/routed-claims.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import type { ElasticIpCache } from '../elastic-ips/cache.ts';
import { ElasticIpCalls } from '../elastic-ips/calls.ts';
import type { ProcessParts } from '../process.ts';
import { reviveAddressRecord } from './address-record.ts';
import { FloatingIpReconciler } from './reconciler.ts';
import type { FloatingEc2, FloatingEvent, FloatingObjects } from './step-parts.ts';
import { openWatches, type WatchOptions } from './watches.ts';

/** What the rest of the agent knows, and what it wants to know. */
interface RestOfAgent {
  readonly enis: () => readonly Eni[];
  readonly describedAt: () => number | undefined;
  readonly podAddresses: () => ReadonlyMap<IpAddress, string>;
  /** Where routed addresses stand. */
  readonly routed: () => ReadonlyMap<IpAddress, RoutedState>;
  readonly invalidateEnis: (cause: string) => void;
  readonly wrote: FloatingEc2['wrote'];
}

export interface FloatingIpsOptions {
  readonly watch: WatchOptions;
  readonly aws: {
    readonly instanceId: string;
    readonly ec2: { readonly addresses: EniWriter; readonly elasticIps: ElasticIpApi };
    readonly rateLimit: RateLimit;
  };
  readonly settings: Pick<NodeOptions, 'clusterName' | 'stateDir' | 'dryRun' | 'floatingIpParkMs'>;
  /** Shared with the Elastic IPs of pods: what either does, the other knows. */
  readonly elasticIpCache: ElasticIpCache;
  readonly agent: RestOfAgent;
  /** Ends calls in flight. */
  readonly calls: AbortSignal;
}

export interface FloatingIps {
  /** The facts about ENIs or pods may have changed. */
  trigger(): void;
  /** Links of the host came or were named. */
  linksChanged(): void;
  /** The addresses of all objects, as far as they are known. */
  addresses(): ReadonlySet<IpAddress>;
  /** What route tables should lead here now. */
  routed(): RoutedHolds;
  /** Says when {@link routed} may have changed. */
  readonly routedChanged: Topic;
  /** Reports on the object what became of its routes. `uid`: that of a claim of {@link routed}. */
  routeChanged(claimant: { readonly name: string; readonly uid: string }, event: FloatingEvent): void;
  /** Serves until the signal aborts, then parks or hands over; resolves when that is done. */
  run(stop: AbortSignal): Promise<void>;
}

/** The node-level floating IPs of a node agent: everything is made here, nothing is decided here. */
export function openFloatingIps(options: FloatingIpsOptions): FloatingIps {
  const { watch, aws, agent, calls } = options;
  const { instanceId, rateLimit, ec2 } = aws;
  const recorder = openRecorder(options);
  const watches = openWatches(watch);
  const held = new HeldLeases(watch.process.metrics);
  const objects = objectsOf(options, recorder);
  const routedChanged = new Topic();
  const reconciler = new FloatingIpReconciler({
    process: { ...watch.process, clock: watch.ages, wall: () => watch.process.clock.now(), callSignal: calls },
    node: { name: watch.cluster.nodeName, host: watches.host, records: openRecords(options) },
    ec2: { instanceId, rateLimit, ...agent, addresses: ec2.addresses, elasticIps: elasticIpParts(options) },
    objects,
    observe: () => ({
      floatingIps: watches.objects.items(),
      node: watches.node(),
      leaving: watches.leaving(),
      enis: agent.enis(),
      describedAt: agent.describedAt(),
      podAddresses: agent.podAddresses(),
      routed: agent.routed(),
    }),
    onRouted: () => routedChanged.publish(),
    need: (need) => {
      watches.need(need);
      held.now(need.holds);
    },
  });
  watches.changed.subscribe(() => reconciler.trigger());
  watches.leaseSeen.subscribe(({ name, lease }) => reconciler.leaseSeen(name, lease));
  watches.contactRegained.subscribe(() => reconciler.contactRegained());
  return {
    trigger: () => reconciler.trigger(),
    linksChanged: () => watches.linksChanged(),
    routed: () => reconciler.routed(),
    routedChanged,
    addresses: () =>
      new Set((watches.objects.items() ?? []).flatMap(({ addresses }) => addresses.map(({ address }) => address))),
    routeChanged({ name, uid }, event) {
      const ip = watches.objects.items()?.find((each) => each.name === name && isClaimOf(each, uid));
      if (ip === undefined) return;
      objects.recordEvent(ip, event);
      if (event.reason === 'AddressMoved') reconciler.routesMoved(name);
    },
    async run(stop) {
      const watching = new AbortController();
      const watched = watches.objects.run(AbortSignal.any([watching.signal, calls]));
      await reconciler.run(stop);
      watching.abort();
      await Promise.all([watched, watches.close(), recorder.drained()]);
    },
  };
}

function elasticIpParts({ watch, aws, elasticIpCache: cache, settings }: FloatingIpsOptions) {
  const { ec2, rateLimit } = aws;
  const calls = new ElasticIpCalls(ec2.elasticIps, cache);
  return { clock: watch.ages, ec2: ec2.elasticIps, calls, cache, rateLimit, clusterName: settings.clusterName };
}

function openRecorder({ watch: { cluster, process }, calls }: FloatingIpsOptions) {
  return createEventRecorder({
    client: cluster.client,
    clock: process.clock,
    signal: calls,
    component: 'eni-agent',
    host: cluster.nodeName,
    onDrop: (cause) => process.metrics.eventDropped(cause),
  });
}

function openRecords({ watch, settings: { stateDir, dryRun }, calls }: FloatingIpsOptions): Journal<AddressRecord> {
  const records = new Journal({
    path: join(stateDir, 'floating-ips.jsonl'),
    access: dryRun ? 'read' : 'write',
    revive: reviveAddressRecord,
    onProblem: (message, error) => watch.process.log.error(message, { error }),
  });
  // The last thing that a process does, also one that never ran this.
  calls.addEventListener('abort', () => records.close(), { once: true });
  return records;
}

/** The objects at the API server: their Leases, and where it is said what became of them. */
function objectsOf(
  { watch: { cluster }, settings, calls }: FloatingIpsOptions,
  recorder: ReturnType<typeof openRecorder>,
): FloatingObjects {
  const { client, nodeName, leaseNamespace: namespace } = cluster;
  return {
    timing: { ...FLOATING_TIMING, parkMs: settings.floatingIpParkMs },
    leases: createFloatingLeases({
      client,
      namespace,
      ownerApiVersion: FLOATING_IP_API,
      timeoutMs: FLOATING_TIMING.renewMs,
    }),
    existenceOf: (name, signal) => existenceOf(client, name, signal),
    hasSuccessor: ({ nodeSelector }, signal) => hasOtherReadyNode(client, nodeName, nodeSelector, signal),
    writeStatus: (ip, status, exclusive) => patchFloatingIpStatus(client, { ip, status, exclusive }, calls),
    recordEvent: ({ name, uid }, event) => {
      if (uid !== '')
        recorder.record({ apiVersion: FLOATING_IP_API, kind: 'FloatingIP', namespace: '', name, uid }, event);
    },
  };
}

/** Which Leases this node holds, as a metric: set when it changes. */
class HeldLeases {
  readonly #metrics: ProcessParts['metrics'];
  #names: ReadonlySet<string> = new Set();

  constructor(metrics: ProcessParts['metrics']) {
    this.#metrics = metrics;
  }

  now(names: readonly string[]): void {
    const before = this.#names;
    this.#names = new Set(names);
    for (const name of this.#names) if (!before.has(name)) this.#metrics.leaseHeld(`floating-ip/${name}`, true);
    for (const name of before) if (!this.#names.has(name)) this.#metrics.leaseHeld(`floating-ip/${name}`, false);
  }
}
