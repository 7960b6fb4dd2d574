import { join } from 'node:path';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import { claimKey } from '../../lib/model/addresses/claim.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { OwnAddresses } from '../../lib/net/own-addresses.ts';
import { withOwnRoutes } from '../../lib/plan/routed-ips/own-routes.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport, Observed } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import type { ProcessParts } from '../process.ts';
import { openRoutedIps } from '../routed-ips/open.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import { OwnRouting } from './routing.ts';
import type { SessionInput } from './session.ts';

interface OwnRoutesParts {
  readonly parts: ProcessParts;
  /** That of the session: only the passing of time moves it. */
  readonly clock: Clock;
  readonly rateLimit: RateLimit;
  readonly ec2: RouteApi;
  readonly addresses: Pick<OwnAddresses, 'interfaces'>;
  readonly enis: () => AddressReconciler | undefined;
}

/**
 * The routed addresses of the pod that this process runs in, and its source-based routing. Nothing of it runs unless route tables were
 * named; then an address is either led here by them or put on its ENI.
 */
export function openOwnRoutes(input: SessionInput, { parts, clock, rateLimit, ec2, addresses, enis }: OwnRoutesParts) {
  const { options, command, podStateDir, stop } = input;
  const { log, metrics } = parts;
  const { routeTables, routedIps, useSbr, interface1Peers, interface2Peers } = options;
  const routing = new OwnRouting({ log, useSbr, peers: [interface1Peers, interface2Peers], signal: stop });
  let observed: Observed | undefined;
  let latest: NodeReport | undefined;
  let routed: readonly ClaimStatus[] = [];
  const known = () => ({ enis: enis()?.enis ?? [], describedAt: enis()?.describedAt });
  const report = () => {
    const drafts = observed?.routed ?? [];
    const interfaces = addresses.interfaces().filter(({ name }) => options.interfaceFilter.test(name));
    if (!options.dryRun) routing.update(interfaces, known().enis, new Set(drafts.map(({ address }) => address)));
    // Until the loop for routes has decided about each of them, the statuses are not complete.
    const isComplete = drafts.every((draft) => routed.some(({ claim }) => claimKey(claim) === claimKey(draft)));
    if (latest !== undefined && isComplete && routed.length === drafts.length)
      input.report({ ...latest, statuses: [...latest.statuses, ...routed] });
  };
  const loop = openRoutedIps(
    {
      ...parts,
      clock,
      rateLimit,
      ec2,
      policy: {
        allowPrimary: false,
        release: input.release,
        releaseDelayMs: 30_000,
        defaultTag: { key: 'eni-agent.io/routed-ips', value: undefined },
      },
      stateDir: podStateDir && join(podStateDir, 'eni-agent'),
      dryRun: options.dryRun,
      firstStart: command === 'init' ? true : 'unless-recorded',
      resyncMs: input.ec2ResyncMs,
      observe: () => routedSurroundings(observed, known()),
      report: (statuses) => {
        routed = statuses;
        report();
      },
      emit: () => undefined,
      story: new AddressReporter({ clock, log, metrics, emit: () => undefined }),
      doubtEnis: (cause) => enis()?.doubt(cause),
      callSignal: input.calls,
    },
    stop,
  );
  return {
    /** Takes out what route tables lead here. */
    divide(seen: Observed): Observed {
      const { enis: described, describedAt } = known();
      const drafts = withOwnRoutes(seen.drafts, { tables: routeTables, addresses: routedIps }, described);
      const divided = {
        ...seen,
        drafts: drafts.filter(({ routed: tables }) => tables === undefined),
        routed: drafts.filter(({ routed: tables }) => tables !== undefined),
        routeTables,
      };
      // Which addresses are routed is not known before the ENIs are: what then shows up has not just appeared.
      observed = { ...divided, complete: seen.complete && describedAt !== undefined };
      return divided;
    },
    addresses(current: NodeReport): void {
      latest = current;
      loop.wake();
      report();
    },
    /** See `OwnRouting.settled`. */
    routingSettled: () => routing.settled(),
    async idle(): Promise<void> {
      await routing.settled();
      await loop.close();
    },
  };
}
