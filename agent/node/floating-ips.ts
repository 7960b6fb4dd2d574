import { podKey } from '../../lib/model/pod.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { ElasticIpReconciler } from '../elastic-ips/reconciler.ts';
import { toWallClock } from '../floating-ips/monotonic-clock.ts';
import { type FloatingIps, openFloatingIps } from '../floating-ips/open.ts';
import type { NodeContext } from './context.ts';
import type { NodeSurroundings } from './surroundings.ts';

interface FloatingIpParts {
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'invalidate' | 'wrote'>;
  readonly eips: Pick<ElasticIpReconciler, 'cache'>;
}

/** The FloatingIPs of a node. */
export function openNodeFloatingIps(
  { options, process, ages, bus, calls }: NodeContext,
  { cluster, host, aws }: NodeSurroundings,
  { addresses, eips }: FloatingIpParts,
): FloatingIps {
  const wallTimeOf = toWallClock(ages, process.clock);
  const floating = openFloatingIps({
    watch: {
      process,
      ages,
      imds: aws.imds,
      cluster: { ...cluster, nodeName: options.nodeName },
      ...(host.kernel && { kernel: host.kernel }),
    },
    aws,
    settings: options,
    elasticIpCache: eips.cache,
    agent: {
      enis: () => addresses.enis,
      describedAt: () => wallTimeOf(addresses.describedAt),
      // Not what a pod has only added to itself: that is no title to an object's address, and is dropped at the next look.
      podAddresses: () =>
        new Map(
          (bus.addresses.value?.statuses ?? [])
            .filter(({ claim }) => claim.kind !== 'live')
            .map(({ claim }) => [claim.address, podKey(claim.holder)]),
        ),
      routed: () => bus.nodeRoutes.value,
      invalidateEnis: (cause) => addresses.invalidate(cause),
      wrote: (...write) => addresses.wrote(...write),
    },
    calls,
  });
  bus.linksChanged.subscribe(() => floating.linksChanged());
  bus.nodeAddresses.publish(() => floating.addresses());
  const publish = () => bus.routedHolds.publish(() => floating.routed());
  publish();
  floating.routedChanged.subscribe(publish);
  bus.nodeRouteEvents.subscribe(({ pod, ...event }) => floating.routeChanged(pod, event));
  return floating;
}
