import { join } from 'node:path';
import type { AddressApi } from '../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { imdsSpotAction } from '../../lib/ec2/imds.ts';
import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { FLOATING_IP_API, fateOf, patchFloatingIpStatus } from '../../lib/kube/floating-ips.ts';
import { createFloatingLeaseReflector, createFloatingLeases } from '../../lib/kube/floating-leases.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { FLOATING_TIMING } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { OwnNodeWatch } from '../node/own-node.ts';
import type { ProcessParts } from '../process.ts';
import { reviveAddressRecord } from './address-record.ts';
import { HostAddresses, type HostPort } from './host-addresses.ts';
import { type HostKernel, type HostView, hostKernel } from './host-kernel.ts';
import { watchInterruption } from './interruption-watch.ts';
import { ObjectWatch } from './object-watch.ts';
import { OnDemand } from './on-demand-watch.ts';
import { FloatingIpReconciler, type FloatingNeed } from './reconciler.ts';

export interface FloatingIpsOptions extends ProcessParts {
  /** Monotonic: holds are measured on it. */
  readonly ages: Clock;
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly ownNode: OwnNodeWatch;
  readonly instanceId: string;
  readonly clusterName: string | undefined;
  readonly stateDir: string;
  readonly dryRun: boolean;
  /** Where the Leases are. */
  readonly namespace: string;
  readonly parkMs: number;
  readonly rateLimit: RateLimit;
  readonly ec2: { readonly addresses: AddressApi; readonly elasticIps: ElasticIpApi };
  readonly imds: ImdsReader | undefined;
  /** @default the kernel of this machine */
  readonly kernel?: HostKernel;
  readonly enis: () => readonly Eni[];
  readonly describedAt: () => number | undefined;
  readonly podAddresses: () => ReadonlyMap<IpAddress, string>;
  readonly doubtEnis: (cause: string) => void;
  /** Ends calls in flight. */
  readonly calls: AbortSignal;
}

export interface FloatingIps {
  /** The facts about ENIs or pods may have changed. */
  wake(): void;
  /** The addresses of all objects, as far as they are known. */
  addresses(): ReadonlySet<IpAddress>;
  /** Serves until the signal aborts, then parks or hands over; resolves when that is done. */
  run(stop: AbortSignal): Promise<void>;
}

/** The node-level floating IPs of a node agent: everything is made here, nothing is decided here. */
export function openFloatingIps(options: FloatingIpsOptions): FloatingIps {
  const { kube, nodeName, random, log, metrics, namespace, ec2, calls } = options;
  const wall = () => options.clock.now();
  const timing = { ...FLOATING_TIMING, parkMs: options.parkMs };
  const recorder = createEventRecorder({
    client: kube,
    clock: options.clock,
    signal: calls,
    component: 'eni-agent',
    host: nodeName,
    onDrop: (cause) => metrics.eventDropped(cause),
  });
  const records = new Journal({
    path: join(options.stateDir, 'floating-ips.jsonl'),
    access: options.dryRun ? 'read' : 'write',
    revive: reviveAddressRecord,
    onProblem: (message, error) => log.error(message, { error }),
  });
  // The last thing that a process does, also one that never ran this.
  calls.addEventListener('abort', () => records.close(), { once: true });
  const watches = openWatches(
    options,
    () => engine.wake(),
    (event) => engine.leaseSeen(...event),
    () => engine.contactRegained(),
  );
  const held = new Set<string>();
  const engine: FloatingIpReconciler = new FloatingIpReconciler({
    clock: options.ages,
    wall,
    random,
    log,
    metrics,
    nodeName,
    instanceId: options.instanceId,
    timing,
    records,
    health: options.health,
    ec2: ec2.addresses,
    elasticIps: { ec2: ec2.elasticIps, rateLimit: options.rateLimit, clusterName: options.clusterName },
    rateLimit: options.rateLimit,
    leases: createFloatingLeases({
      client: kube,
      namespace,
      ownerApiVersion: FLOATING_IP_API,
      timeoutMs: timing.renewMs,
    }),
    host: watches.host,
    observe: () => ({
      floatingIps: watches.objects.items(),
      node: watches.node(),
      leaving: watches.leaving(),
      enis: options.enis(),
      describedAt: options.describedAt(),
      podAddresses: options.podAddresses(),
    }),
    writeStatus: (ip, status, exclusive) => patchFloatingIpStatus(kube, { ip, status, exclusive }, calls),
    happened: ({ name, uid }, event) => {
      if (uid !== '')
        recorder.record({ apiVersion: FLOATING_IP_API, kind: 'FloatingIP', namespace: '', name, uid }, event);
    },
    fateOf: (name, signal) => fateOf(kube, name, signal),
    doubtEnis: options.doubtEnis,
    need: (need) => {
      watches.need(need);
      const now = new Set(engine.held());
      for (const name of new Set([...held, ...now]))
        if (held.has(name) !== now.has(name)) metrics.leaseHeld(`floating-ip/${name}`, now.has(name));
      held.clear();
      for (const name of now) held.add(name);
    },
    callSignal: calls,
  });
  return {
    wake: () => engine.wake(),
    addresses: () =>
      new Set((watches.objects.items() ?? []).flatMap(({ addresses }) => addresses.map(({ address }) => address))),
    async run(stop) {
      const watching = new AbortController();
      const objects = watches.objects.run(AbortSignal.any([watching.signal, calls]));
      await engine.run(stop);
      watching.abort();
      await Promise.all([objects, watches.close(), recorder.drained()]);
    },
  };
}

/** What is observed for floating IPs, each part only while it is needed. */
function openWatches(
  options: FloatingIpsOptions,
  wake: () => void,
  leaseSeen: (event: Parameters<FloatingIpReconciler['leaseSeen']>) => void,
  contactRegained: () => void,
) {
  const { kube: client, clock, random, log, ownNode, namespace, imds, kernel = hostKernel } = options;
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const shared = { client, clock, random };
  const objects = new ObjectWatch({ ...shared, onChange: wake, onProblem });
  let view: HostView | undefined;
  let leaving: string | undefined;
  const parts = {
    leases: new OnDemand((signal) => {
      const reflector = createFloatingLeaseReflector({
        ...shared,
        namespace,
        onChange: (change) =>
          change.type === 'deleted'
            ? leaseSeen([change.previous.name, undefined])
            : leaseSeen([change.item.name, change.item.lease]),
        onState: ({ connected }) => connected && contactRegained(),
        onError: (error) => log.debug('the watch of Leases failed and goes on', { error }),
      });
      return reflector.run(signal);
    }),
    addresses: new OnDemand((signal) => {
      view = kernel.watch({ clock, random, onChange: wake, onProblem });
      return view.start(signal);
    }),
    spot: new OnDemand((signal) => {
      if (imds === undefined) return Promise.resolve();
      const read = (inner: AbortSignal) => imdsSpotAction(imds, inner);
      const onNotice = (reason: string) => {
        leaving = reason;
        wake();
      };
      return watchInterruption(
        { clock, read, onNotice, onProblem: (error) => log.debug('instance metadata does not answer', { error }) },
        signal,
      );
    }),
  };
  const port: HostPort = {
    interfaces: () => view?.interfaces() ?? [],
    add: (place, signal) => kernel.add(place, signal),
    remove: (place, signal) => kernel.remove(place, signal),
  };
  return {
    objects,
    host: new HostAddresses(port, options.ages),
    node: () => ownNode.node,
    leaving: () => leaving,
    need({ node: needsNode, leases, holds }: FloatingNeed): void {
      ownNode.need('floating IPs', needsNode ? wake : undefined);
      parts.addresses.set(needsNode);
      parts.leases.set(leases);
      parts.spot.set(holds);
    },
    async close(): Promise<void> {
      ownNode.need('floating IPs', undefined);
      await Promise.all(Object.values(parts).map((part) => part.close()));
    },
  };
}
