import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { InitOptions } from '../../lib/config/options.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { type IpAddress, parseIp } from '../../lib/model/ip.ts';
import { OwnAddresses } from '../../lib/net/own-addresses.ts';
import { ownClaims } from '../../lib/plan/addresses/own-claims.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import { monotonicClock } from '../floating-ips/monotonic-clock.ts';
import { openProcess } from '../process.ts';
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
  readonly parts: ReturnType<typeof openProcess>;
  readonly instanceId: string;
  readonly ec2: ReturnType<typeof openEc2>;
  /** Resolves with what could not be set of the pod's own routing, for people; undefined when all is set. */
  readonly routingSettled: () => Promise<string | undefined>;
  /** Resolves when nothing about routes is in flight any more. */
  readonly routesIdle: () => Promise<void>;
}

export interface SessionInput {
  readonly command: PodCommand;
  readonly options: PodOptions;
  readonly release: 'after-delay' | 'never';
  readonly addressResyncMs: number;
  readonly ec2ResyncMs: number;
  /** What the sidecar remembers over restarts of its container; undefined: nothing. */
  readonly podStateDir: string | undefined;
  /** Its statuses are those of all addresses, the routed ones included. */
  readonly report: (report: NodeReport) => void;
  readonly stop: AbortSignal;
  readonly calls: AbortSignal;
}

/**
 * The engine of the node agent inside a pod: it observes the pod's own namespace and needs no Kubernetes API.
 * The ledger lives as long as the container: what a killed sidecar had assigned stays assigned, as nobody can tell that it is unused.
 */
export async function openSession(input: SessionInput): Promise<PodSession> {
  const { command, options, stop } = input;
  const pod = ownPod(process.env);
  // The lines about addresses name the pod themselves.
  const parts = openProcess(command, options, {});
  const { random, log, metrics, environment } = parts;
  // Only the passing of time moves it: setting the machine's clock must not make what the pod adds next older than what was recorded.
  const clock = monotonicClock(parts.clock, () => Math.floor(performance.now()));
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const addresses = new OwnAddresses({
    clock,
    random,
    onProblem,
    resyncMs: input.addressResyncMs,
    onChange: () => engine?.wake(),
  });
  let engine: AddressReconciler | undefined;
  const endpoint = imdsEndpoint(environment);
  const now = () => performance.now();
  const imds = endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: options.allowImdsV1, now });
  const identity = await resolveIdentity(
    { imds, kube: undefined, nodeName: '', region: environment['AWS_REGION'], clock, random, log },
    stop,
  );
  const interfaces = await hintsFrom(imds, stop);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  // What the interfaces have when we start came from CNI; what comes later, the pod has added to itself.
  let fromCni: ReadonlySet<IpAddress> | undefined;
  const reporter = new AddressReporter({
    clock,
    log,
    metrics,
    emit: () => undefined,
    kindOf: ({ address, kind }) => (fromCni?.has(address) ? 'ipam' : kind),
  });
  const rateLimit = new RateLimit({ clock, random });
  const routes = new OwnRoutes(input, { parts, clock, rateLimit, ec2: ec2.routes, addresses, enis: () => engine });
  engine = new AddressReconciler(
    {
      clock,
      random,
      rateLimit,
      ec2: ec2.addresses,
      instanceId: identity.instanceId,
      ledger: new Journal({
        path: '',
        access: 'memory',
        revive: (stored) => reviveLedgerEntry(stored, clock.now()),
        onProblem,
      }),
      // The container of an init command is the first in its pod: whatever it finds, IPAM has just given.
      firstStart: command === 'init',
      policy: { takeover: 'declared', allowPrimary: false, release: input.release, releaseDelayMs: 30_000 },
      observe: () => {
        const interfaces = (name: string) => options.interfaceFilter.test(name);
        const drafts = ownClaims(addresses.interfaces(), { ...pod, interfaces });
        if (addresses.synced) fromCni ??= new Set(drafts.map(({ address }) => address));
        return routes.divide({ drafts, refusals: new Map(), complete: addresses.synced });
      },
      report: (report) => {
        reporter.statuses(report.statuses);
        routes.addresses(report);
      },
      events: reporter,
      callSignal: input.calls,
      dryRun: options.dryRun,
      resyncMs: input.ec2ResyncMs,
    },
    stop,
  );
  return {
    engine,
    addresses,
    parts,
    instanceId: identity.instanceId,
    ec2,
    routingSettled: () => routes.routingSettled(),
    routesIdle: () => routes.idle(),
  };
}

/** The namespace that a service account's token comes with, where one is mounted; else it is not known. */
function mountedNamespace(): string {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim();
  } catch {
    return '';
  }
}

/** From the downward API where the manifest passes it on; the pod's name is also its host name. */
function ownPod(environment: NodeJS.ProcessEnv) {
  const name = environment['POD_NAME'] || environment['MY_POD_NAME'] || hostname();
  const namespace = environment['POD_NAMESPACE'] || environment['MY_POD_NAMESPACE'] || mountedNamespace();
  const podIps = (environment['POD_IPS'] || environment['POD_IP'] || '').split(',');
  return {
    ref: { namespace, name, uid: environment['POD_UID'] ?? '' },
    podIps: podIps.flatMap((text) => parseIp(text.trim()) ?? []),
  };
}
