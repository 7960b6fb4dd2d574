import { imdsSpotAction } from '../../lib/ec2/imds.ts';
import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createFloatingLeaseReflector } from '../../lib/kube/floating-leases.ts';
import type { Lease } from '../../lib/kube/lease-record.ts';
import type { NodeState } from '../../lib/kube/own-node.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { OwnNodeWatch } from '../node/own-node.ts';
import type { ProcessParts } from '../process.ts';
import { HostAddresses, type HostPort } from './host-addresses.ts';
import { type HostKernel, type HostView, hostKernel } from './host-kernel.ts';
import { watchInterruption } from './interruption-watch.ts';
import { ObjectWatch } from './object-watch.ts';
import { OnDemand } from './on-demand-watch.ts';
import type { FloatingNeed } from './reconciler-options.ts';

export interface WatchOptions extends ProcessParts {
  /** Monotonic: holds are measured on it. */
  readonly ages: Clock;
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly ownNode: OwnNodeWatch;
  /** Where the Leases are. */
  readonly namespace: string;
  readonly imds: ImdsReader | undefined;
  /** @default the kernel of this machine */
  readonly kernel?: HostKernel;
}

/** Who hears what the watches see. */
export interface Watchers {
  /** Something has changed. */
  readonly wake: () => void;
  /** Undefined: the Lease of the object was deleted. */
  readonly leaseSeen: (name: string, lease: Lease | undefined) => void;
  /** The watch of the Leases is open again. */
  readonly contactRegained: () => void;
}

export interface Watches {
  readonly objects: ObjectWatch;
  readonly host: HostAddresses;
  node(): NodeState | undefined;
  /** Why this node is about to end. */
  leaving(): string | undefined;
  need(need: FloatingNeed): void;
  close(): Promise<void>;
}

/** What is observed for floating IPs, each part only while it is needed. */
export function openWatches(options: WatchOptions, watchers: Watchers): Watches {
  const { kube: client, clock, random, log, ages, ownNode } = options;
  const { wake } = watchers;
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const objects = new ObjectWatch({ client, clock, random, onChange: wake, onProblem });
  const leases = watchLeases(options, watchers);
  const host = watchHost(options, wake);
  const spot = watchSpot(options, wake);
  return {
    objects,
    host: new HostAddresses(host, ages),
    node: () => ownNode.node,
    leaving: spot.leaving,
    need({ node: needsNode, leases: needsLeases, holds }) {
      ownNode.need('floating IPs', needsNode ? wake : undefined);
      host.watch.set(needsNode);
      leases.set(needsLeases);
      spot.watch.set(holds);
    },
    async close() {
      ownNode.need('floating IPs', undefined);
      await Promise.all([leases, host.watch, spot.watch].map((watch) => watch.close()));
    },
  };
}

function watchLeases(
  { kube: client, clock, random, log, namespace }: WatchOptions,
  { leaseSeen, contactRegained }: Watchers,
): OnDemand {
  return new OnDemand((signal) => {
    const reflector = createFloatingLeaseReflector({
      client,
      clock,
      random,
      namespace,
      onChange: (change) =>
        change.type === 'deleted'
          ? leaseSeen(change.previous.name, undefined)
          : leaseSeen(change.item.name, change.item.lease),
      onState: ({ connected }) => connected && contactRegained(),
      onError: (error) => log.debug('the watch of Leases failed and goes on', { error }),
    });
    return reflector.run(signal);
  });
}

function watchHost(
  { clock, random, log, kernel = hostKernel }: WatchOptions,
  onChange: () => void,
): HostPort & { readonly watch: OnDemand } {
  let view: HostView | undefined;
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const watch = new OnDemand((signal) => {
    view = kernel.watch({ clock, random, onChange, onProblem });
    return view.start(signal);
  });
  return {
    watch,
    interfaces: () => view?.interfaces() ?? [],
    add: (place, signal) => kernel.add(place, signal),
    remove: (place, signal) => kernel.remove(place, signal),
  };
}

function watchSpot({ clock, log, imds }: WatchOptions, wake: () => void) {
  let leaving: string | undefined;
  const watch = new OnDemand((signal) => {
    if (imds === undefined) return Promise.resolve();
    const onNotice = (reason: string) => {
      leaving = reason;
      wake();
    };
    const onProblem = (error: unknown) => log.debug('instance metadata does not answer', { error });
    const read = (inner: AbortSignal) => imdsSpotAction(imds, inner);
    return watchInterruption({ clock, read, onNotice, onProblem }, signal);
  });
  return { watch, leaving: () => leaving };
}
