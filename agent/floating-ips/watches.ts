import { imdsSpotAction } from '../../lib/ec2/imds.ts';
import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createFloatingLeaseReflector } from '../../lib/kube/floating-leases.ts';
import type { Lease } from '../../lib/kube/lease-record.ts';
import type { NodeState } from '../../lib/kube/own-node.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import type { OwnNodeWatch } from '../node/own-node.ts';
import type { ProcessParts } from '../process.ts';
import { HostAddresses, type HostPort } from './host-addresses.ts';
import { type HostKernel, type HostView, hostKernel } from './host-kernel.ts';
import { watchInterruption } from './interruption-watch.ts';
import { ObjectWatch } from './object-watch.ts';
import { OnDemand } from './on-demand-watch.ts';
import type { FloatingNeed } from './reconciler-options.ts';

interface WatchedCluster {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly ownNode: OwnNodeWatch;
  readonly leaseNamespace: string;
}

export interface WatchOptions {
  readonly process: ProcessParts;
  /** Monotonic: holds are measured on it. */
  readonly ages: Clock;
  readonly cluster: WatchedCluster;
  readonly imds: ImdsReader | undefined;
  /** @default the kernel of this machine */
  readonly kernel?: HostKernel;
}

/** The Lease of an object was seen; undefined: it was deleted. */
interface SeenLease {
  readonly name: string;
  readonly lease: Lease | undefined;
}

export interface Watches {
  /** Something has changed. */
  readonly changed: Topic;
  readonly leaseSeen: Topic<SeenLease>;
  /** The watch of the Leases is open again. */
  readonly contactRegained: Topic;
  readonly objects: ObjectWatch;
  readonly host: HostAddresses;
  /** Links came or were named. */
  linksChanged(): void;
  node(): NodeState | undefined;
  /** Why this node is about to end. */
  leaving(): string | undefined;
  need(need: FloatingNeed): void;
  close(): Promise<void>;
}

/** What is observed for floating IPs, each part only while it is needed. */
export function openWatches(options: WatchOptions): Watches {
  const { process, ages, cluster } = options;
  const { client, ownNode } = cluster;
  const { clock, random, log } = process;
  const topics = { changed: new Topic(), leaseSeen: new Topic<SeenLease>(), contactRegained: new Topic() };
  const trigger = () => topics.changed.publish();
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const objects = new ObjectWatch({ client, clock, random, onChange: trigger, onProblem });
  const leases = watchLeases(options, topics);
  const host = watchHost(options, trigger);
  const spot = watchSpot(options, trigger);
  return {
    ...topics,
    objects,
    host: new HostAddresses(host, ages),
    linksChanged: host.refresh,
    node: () => ownNode.node,
    leaving: spot.leaving,
    need({ node: needsNode, leases: needsLeases, holds }) {
      ownNode.need('floating IPs', needsNode ? trigger : undefined);
      host.watch.set(needsNode);
      leases.set(needsLeases);
      spot.watch.set(holds.length > 0);
    },
    async close() {
      ownNode.need('floating IPs', undefined);
      await Promise.all([leases, host.watch, spot.watch].map((watch) => watch.close()));
    },
  };
}

function watchLeases(
  { cluster: { client, leaseNamespace: namespace }, process: { clock, random, log } }: WatchOptions,
  { leaseSeen, contactRegained }: Pick<Watches, 'leaseSeen' | 'contactRegained'>,
): OnDemand {
  return new OnDemand((signal) => {
    const reflector = createFloatingLeaseReflector({
      client,
      clock,
      random,
      namespace,
      onChange: (change) =>
        change.type === 'deleted'
          ? leaseSeen.publish({ name: change.previous.name, lease: undefined })
          : leaseSeen.publish(change.item),
      onState: ({ connected }) => {
        if (connected) contactRegained.publish();
      },
      onError: (error) => log.debug('the watch of Leases failed and is being restarted', { error }),
    });
    return reflector.run(signal);
  });
}

function watchHost(
  { process: { clock, random, log }, kernel = hostKernel }: WatchOptions,
  onChange: () => void,
): HostPort & { readonly watch: OnDemand; readonly refresh: () => void } {
  let view: HostView | undefined;
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const watch = new OnDemand((signal) => {
    view = kernel.watch({ clock, random, onChange, onProblem });
    return view.start(signal);
  });
  return {
    watch,
    interfaces: () => view?.interfaces() ?? [],
    refresh: () => view?.refresh(),
    add: (place, signal) => kernel.add(place, signal),
    remove: (place, signal) => kernel.remove(place, signal),
  };
}

function watchSpot({ process: { clock, log }, imds }: WatchOptions, trigger: () => void) {
  let leaving: string | undefined;
  const watch = new OnDemand((signal) => {
    if (imds === undefined) return Promise.resolve();
    const onNotice = (reason: string) => {
      leaving = reason;
      trigger();
    };
    const onProblem = (error: unknown) => log.debug('instance metadata does not answer', { error });
    const read = (inner: AbortSignal) => imdsSpotAction(imds, inner);
    return watchInterruption({ clock, read, onNotice, onProblem }, signal);
  });
  return { watch, leaving: () => leaving };
}
