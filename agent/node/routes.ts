import type { NodeOptions } from '../../lib/config/options.ts';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { Observed } from '../addresses/reconciler-options.ts';
import type { ProcessParts } from '../process.ts';
import { openRoutedIps } from '../routed-ips/open.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import type { openTelling } from './reporting.ts';

export interface NodeRoutesOptions extends ProcessParts {
  readonly ages: Clock;
  readonly options: Pick<
    NodeOptions,
    'allowPrimary' | 'release' | 'releaseDelayMs' | 'routeTableTag' | 'stateDir' | 'ec2ResyncMs' | 'dryRun'
  >;
  readonly rateLimit: RateLimit;
  readonly ec2: RouteApi;
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'doubt'>;
  readonly telling: Pick<ReturnType<typeof openTelling>, 'publisher' | 'routeHappened' | 'routeStory'>;
  readonly callSignal: AbortSignal;
}

/** The routed addresses of a node's pods: what the loop for addresses has observed goes in, the statuses come out. */
export function openNodeRoutes(given: NodeRoutesOptions, stop: AbortSignal) {
  const { options, addresses, telling } = given;
  let observed: Observed | undefined;
  let statuses: readonly ClaimStatus[] = [];
  const loop = openRoutedIps(
    {
      ...given,
      clock: given.ages,
      policy: { ...options, defaultTag: options.routeTableTag },
      stateDir: options.stateDir,
      dryRun: options.dryRun,
      resyncMs: options.ec2ResyncMs,
      observe: () => routedSurroundings(observed, addresses),
      report: (latest) => {
        statuses = latest;
        telling.publisher.routed(latest);
      },
      emit: telling.routeHappened,
      story: telling.routeStory,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop,
  );
  return {
    ...loop,
    statuses: () => statuses,
    /** The latest look at all sources; its routed part is taken up with the next wake. */
    saw(latest: Observed): Observed {
      observed = latest;
      return latest;
    },
  };
}
