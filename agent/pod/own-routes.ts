import { join } from 'node:path';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import { claimKey } from '../../lib/model/addresses/claim.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { OwnAddresses } from '../../lib/net/own-addresses.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import type { ProcessParts } from '../process.ts';
import { openRoutedIps } from '../routed-ips/open.ts';
import { routedSurroundings } from '../routed-ips/surroundings.ts';
import type { PodObservation } from './observation.ts';
import { OwnRouting } from './routing.ts';
import type { SessionInput } from './session.ts';

interface OwnRoutesParts {
  readonly parts: ProcessParts;
  /** That of the session: only the passing of time moves it. */
  readonly clock: Clock;
  readonly rateLimit: RateLimit;
  readonly ec2: RouteApi;
  readonly addresses: Pick<OwnAddresses, 'interfaces'>;
  readonly observation: Pick<PodObservation, 'latest'>;
  readonly engine: Pick<AddressReconciler, 'enis' | 'describedAt' | 'invalidate'>;
}

/**
 * The routed addresses of the pod that this process runs in, and its source-based routing. Nothing of it runs unless route tables were
 * named; then an address is either led here by them or put on its ENI.
 */
export class OwnRoutes {
  readonly #input: SessionInput;
  readonly #parts: OwnRoutesParts;
  readonly #routing: OwnRouting;
  readonly #loop: ReturnType<typeof openRoutedIps>;
  #latest: NodeReport | undefined;
  #routed: readonly ClaimStatus[] = [];

  constructor(input: SessionInput, parts: OwnRoutesParts) {
    const { options, signals } = input;
    const { useSbr, interface1Peers, interface2Peers } = options;
    this.#input = input;
    this.#parts = parts;
    const { log } = parts.parts;
    this.#routing = new OwnRouting({ log, useSbr, peers: [interface1Peers, interface2Peers], signal: signals.stop });
    this.#loop = this.#openLoop();
  }

  /** Where the addresses stand that ENIs have. */
  addresses(current: NodeReport): void {
    this.#latest = current;
    this.#loop.trigger();
    this.#report();
  }

  /** See `OwnRouting.settled`. */
  routingSettled(): Promise<string | undefined> {
    return this.#routing.settled();
  }

  /** Resolves when nothing is in flight any more. */
  async idle(): Promise<void> {
    await this.#routing.settled();
    await this.#loop.close();
  }

  #openLoop() {
    const { command, options, podStateDir, release, resync, signals } = this.#input;
    const { parts, clock, rateLimit, ec2, observation, engine } = this.#parts;
    const { log, metrics } = parts;
    const defaultTag = { key: 'eni-agent.io/routed-ips', value: undefined };
    const emit = () => undefined;
    return openRoutedIps(
      {
        process: { ...parts, clock, dryRun: options.dryRun, callSignal: signals.calls },
        ec2: { routes: ec2, rateLimit, resyncMs: resync.ec2Ms, invalidateEnis: (cause) => engine.invalidate(cause) },
        policy: { allowPrimary: false, release, releaseDelayMs: 30_000, defaultTag },
        stateDir: podStateDir && join(podStateDir, 'eni-agent'),
        firstStart: command === 'init' ? true : 'unless-recorded',
        observe: () => routedSurroundings(observation.latest, engine),
        reports: {
          report: (statuses) => {
            this.#routed = statuses;
            this.#report();
          },
          emit,
          statusReporter: new AddressReporter({ clock, log, metrics, emit }),
        },
      },
      signals.stop,
    );
  }

  #report(): void {
    const { options, report } = this.#input;
    const { addresses, observation, engine } = this.#parts;
    const drafts = observation.latest?.routed ?? [];
    const interfaces = addresses.interfaces().filter(({ name }) => options.interfaceFilter.test(name));
    const routed = new Set(drafts.map(({ address }) => address));
    if (!options.dryRun) this.#routing.update(interfaces, engine.enis, routed);
    // Until the loop for routes has decided about each of them, the statuses are not complete.
    const isComplete = drafts.every((draft) => this.#routed.some(({ claim }) => claimKey(claim) === claimKey(draft)));
    if (this.#latest !== undefined && isComplete && this.#routed.length === drafts.length)
      report({ ...this.#latest, statuses: [...this.#latest.statuses, ...this.#routed] });
  }
}
