import type { InitOptions } from '../../lib/config/options.ts';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { OwnAddresses } from '../../lib/net/own-addresses.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import type { Ec2Access } from '../aws/ec2-access.ts';
import { openOwnInstance } from '../aws/own-instance.ts';
import { monotonicClock } from '../floating-ips/monotonic-clock.ts';
import { openProcess, type ProcessParts } from '../process.ts';
import { PodObservation } from './observation.ts';
import { ownPod } from './own-pod.ts';
import { OwnRoutes } from './own-routes.ts';

export type PodCommand = 'init' | 'sidecar';
type PodOptions = Pick<
  InitOptions,
  | 'allowImdsV1'
  | 'interfaceFilter'
  | 'dryRun'
  | 'logLevel'
  | 'logFormat'
  | 'routeTables'
  | 'routedIps'
  | 'useSbr'
  | 'interface1Peers'
  | 'interface2Peers'
>;

export interface PodSession {
  readonly engine: AddressReconciler;
  readonly addresses: OwnAddresses;
  readonly parts: ProcessParts;
  readonly instanceId: string;
  readonly ec2: Ec2Access;
  /** Resolves with what could not be set of the pod's own routing, for people; undefined when all is set. */
  readonly routingSettled: () => Promise<string | undefined>;
  /** Resolves when nothing about routes is in flight any more. */
  readonly routesIdle: () => Promise<void>;
}

export interface SessionInput {
  readonly command: PodCommand;
  readonly options: PodOptions;
  readonly release: 'after-delay' | 'never';
  /** Longest time between two looks at the pod's interfaces, and at its ENIs and routes. */
  readonly resync: { readonly addressesMs: number; readonly ec2Ms: number };
  /** What the sidecar remembers over restarts of its container; undefined: nothing. */
  readonly podStateDir: string | undefined;
  /** Its statuses are those of all addresses, the routed ones included. */
  readonly report: (report: NodeReport) => void;
  /** `stop` keeps new calls from starting, `calls` ends those in flight. */
  readonly signals: { readonly stop: AbortSignal; readonly calls: AbortSignal };
}

/**
 * The engine of the node agent inside a pod: it observes the pod's own namespace and needs no Kubernetes API.
 * The ledger lives as long as the container: what a killed sidecar had assigned stays assigned, as nobody can tell that it is unused.
 */
export async function openSession(input: SessionInput): Promise<PodSession> {
  // The lines about addresses name the pod themselves.
  const parts = openProcess(input.command, input.options, {});
  const { random, log } = parts;
  // Only the passing of time moves it: setting the machine's clock must not make what the pod adds next older than what was recorded.
  const clock = monotonicClock(parts.clock, () => Math.floor(performance.now()));
  const changed = new Topic();
  const addresses = new OwnAddresses({
    clock,
    random,
    onProblem: (message, error) => log.warn(message, { error }),
    resyncMs: input.resync.addressesMs,
    onChange: () => changed.publish(),
  });
  // A pod has only the metadata service to ask.
  const { allowImdsV1 } = input.options;
  const { identity, ec2 } = await openOwnInstance({ process: { ...parts, clock }, allowImdsV1 }, input.signals.stop);
  const { instanceId } = identity;
  const observation = new PodObservation({ addresses, pod: ownPod(parts.environment), options: input.options });
  const rateLimit = new RateLimit({ clock, random });
  const reports = new Topic<NodeReport>();
  const shared = { parts, clock, rateLimit, observation };
  const engine = openEngine(input, { ...shared, ec2: ec2.addresses, instanceId, reports });
  const routes = new OwnRoutes(input, { ...shared, ec2: ec2.routes, addresses, engine });
  changed.subscribe(() => engine.trigger());
  reports.subscribe((report) => routes.addresses(report));
  return {
    engine,
    addresses,
    parts,
    instanceId,
    ec2,
    routingSettled: () => routes.routingSettled(),
    routesIdle: () => routes.idle(),
  };
}

interface EngineParts {
  readonly parts: ProcessParts;
  readonly clock: Clock;
  readonly rateLimit: RateLimit;
  readonly ec2: Ec2Access['addresses'];
  readonly instanceId: string;
  readonly observation: PodObservation;
  /** Where its reports go. */
  readonly reports: Topic<NodeReport>;
}

/** The loop for the addresses that are on ENIs, and what it reports to the log. */
function openEngine(
  { command, options, release, resync, signals: { stop, calls } }: SessionInput,
  { parts, clock, rateLimit, ec2, instanceId, observation, reports }: EngineParts,
): AddressReconciler {
  const { random, log, metrics } = parts;
  const reporter = new AddressReporter({
    clock,
    log,
    metrics,
    emit: () => undefined,
    kindOf: (claim) => observation.kindOf(claim),
  });
  reports.subscribe(({ statuses }) => reporter.statuses(statuses));
  return new AddressReconciler(
    {
      process: { clock, random, callSignal: calls, dryRun: options.dryRun },
      ec2: { addresses: ec2, rateLimit, resyncMs: resync.ec2Ms },
      instance: { instanceId },
      records: {
        ledger: new Journal({
          path: '',
          access: 'memory',
          revive: (stored) => reviveLedgerEntry(stored, clock.now()),
          onProblem: (message, error) => log.warn(message, { error }),
        }),
        // The container of an init command is the first in its pod: whatever it finds, IPAM has just given.
        firstStart: command === 'init',
      },
      policy: { takeover: 'declared', allowPrimary: false, release, releaseDelayMs: 30_000 },
      observe: (known) => observation.observe(known),
      reports: { report: (report) => reports.publish(report), events: reporter },
    },
    stop,
  );
}
