import { join } from 'node:path';
import type { PlanOptions } from '../../lib/config/options.ts';
import { podDialects } from '../../lib/dialect/index.ts';
import { requestsOf } from '../../lib/dialect/requests.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { revivePendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import { readEntries } from '../../lib/net/entry-folder.ts';
import { grantedRequests } from '../../lib/plan/tenants.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport, Observed } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import { type EipReport, ElasticIpReconciler } from '../elastic-ips/reconciler.ts';
import type { ProcessParts } from '../process.ts';
import { TenantRules } from '../tenants/tenant-rules.ts';
import { openObservers } from './observers.ts';
import { lookAtRoutes, type RouteReport } from './plan-routes.ts';
import { watchPods } from './pod-watch.ts';
import { definitionsOf, observeNode } from './sources.ts';

/** How long the sources may take, ms. */
export const LOOK_MS = 30_000;

export interface Look {
  readonly identity: InstanceIdentity | undefined;
  /** Undefined when not everything answered in time. */
  readonly addresses: NodeReport | undefined;
  readonly elasticIps: EipReport | undefined;
  readonly routes: RouteReport | undefined;
  readonly describedAt: number | undefined;
  /** What has not answered, each a sentence. */
  readonly missing: readonly string[];
}

export interface LookOptions {
  readonly options: PlanOptions;
  readonly parts: ProcessParts;
  readonly kube: KubeClient;
  /** Those of the cluster, for the addresses that this node serves. */
  readonly floatingIps: readonly FloatingIp[];
  /** Told again and again what is still waited for. */
  readonly onWaiting: (missing: readonly string[]) => void;
}

/** How often somebody who waits hears for what, ms. */
const TELL_MS = 3_000;

/** Looks once at everything that `node` looks at, with the same loops as there, in a dry run. Changes nothing. */
export async function lookOnce(
  { options, parts, kube, floatingIps, onWaiting }: LookOptions,
  stop: AbortSignal,
): Promise<Look> {
  const { clock, random, log, metrics, environment } = parts;
  const { nodeName, clusterName, releaseDelayMs } = options;
  const done = new AbortController();
  const signal = AbortSignal.any([stop, done.signal, AbortSignal.timeout(LOOK_MS)]);
  const looked = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => looked.resolve(), { once: true });
  const found: {
    identity?: InstanceIdentity;
    addresses?: NodeReport;
    elasticIps?: EipReport;
    routes?: RouteReport;
  } = {};
  const loops: { addresses?: AddressReconciler; elasticIps?: ElasticIpReconciler } = {};
  const wake = () => {
    loops.addresses?.wake();
    loops.elasticIps?.wake();
  };
  const settle = () => {
    const { addresses, elasticIps, routes } = found;
    if (addresses !== undefined && elasticIps !== undefined && routes !== undefined) looked.resolve();
  };

  const definitions = createNadCache({ client: kube, clock, signal });
  const tenants = new TenantRules({
    clock,
    log,
    required: options.tenantPolicy === 'required',
    read: () => readEntries(options.tenantPolicyDir),
    onChange: wake,
  });
  await tenants.load();
  const pods = watchPods({ client: kube, nodeName, clock, random, log, metrics, onSynced: wake, onChange: wake });
  const observers = openObservers({ ...options, addressResyncMs: LOOK_MS }, { clock, random, log, onChange: wake });
  const tasks = [pods.run(signal), ...observers.tasks.map((task) => task.run(signal))];
  const missing = () => [
    ...(pods.synced ? [] : ['the pods of this node (API server)']),
    ...(found.identity === undefined ? ['the EC2 instance of this node (instance metadata, Node object)'] : []),
    ...(loops.addresses?.describedAt === undefined
      ? [
          `the ENIs of this node (EC2${loops.addresses?.trouble === undefined ? '' : `: ${loops.addresses.trouble.message}`})`,
        ]
      : []),
    ...observers.faults(),
    ...(found.elasticIps === undefined && clusterName !== undefined ? ['the Elastic IPs of the cluster (EC2)'] : []),
    ...(found.addresses !== undefined && found.routes === undefined ? ['the route tables of the VPC (EC2)'] : []),
  ];
  const reminder = setInterval(() => onWaiting(missing()), TELL_MS);

  try {
    const endpoint = imdsEndpoint(environment);
    const imds =
      endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
    const who = { imds, kube, nodeName, region: environment['AWS_REGION'], clock, random, log };
    const identity = await resolveIdentity(who, signal);
    found.identity = identity;
    const interfaces = await hintsFrom(imds, signal);
    const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
    const shared = { clock, random, rateLimit: new RateLimit({ clock, random }), callSignal: signal, dryRun: true };
    const onProblem = (message: string, error: unknown) => log.warn(message, { error });
    const journal = <T>(file: string, revive: (stored: unknown) => T | undefined) =>
      new Journal({ path: join(options.stateDir, file), access: 'read', revive, onProblem });
    const serves = (namespace: string) => options.namespaces.length === 0 || options.namespaces.includes(namespace);
    const ours = new Set(
      floatingIps
        .filter(({ status }) => status.node === nodeName)
        .flatMap((one) => one.addresses.map(({ address }) => address)),
    );
    let fetched: Promise<void> | undefined;
    let latest: NodeReport | undefined;
    let observed: Observed | undefined;
    const addresses = new AddressReconciler(
      {
        ...shared,
        ec2: ec2.addresses,
        instanceId: identity.instanceId,
        clusterName,
        ledger: journal('ledger.jsonl', (stored) => reviveLedgerEntry(stored, clock.now())),
        policy: {
          takeover: options.takeover,
          allowPrimary: options.allowPrimary,
          release: options.release,
          releaseDelayMs,
        },
        observe: () => {
          observed = observeNode(
            { pods, definitions, ...observers },
            {
              interfaces: (name) => options.interfaceFilter.test(name),
              namespaces: options.namespaces,
              tenants: () => tenants.policy,
              nodeAddresses: () => ours,
            },
          );
          return observed;
        },
        report: (report) => {
          if (!report.complete) return;
          latest = report;
          loops.elasticIps?.wake();
          // Definitions are fetched only once it is known which ones; the plan after that is the one to print.
          if (fetched === undefined)
            fetched = definitions.prefetch([...pods.items()].flatMap(definitionsOf)).then(wake, wake);
          else
            void fetched.then(() => {
              found.addresses = report;
              routes.wake();
              settle();
            });
        },
        events: new AddressReporter({ clock, log: silentLogger, metrics, emit: () => undefined }),
        resyncMs: LOOK_MS,
      },
      signal,
    );
    const elasticIps = new ElasticIpReconciler(
      {
        ...shared,
        log: silentLogger,
        requestsOf: (pod, context) => grantedRequests(requestsOf(pod, context), tenants.policy),
        takings: journal('elastic-ips.jsonl', revivePendingAssociation),
        serves,
        releaseDelayMs,
        ec2: ec2.elasticIps,
        interfaces: ec2.interfaces,
        dialects: podDialects,
        context: { clusterName, nodeName },
        observe: () => ({
          pods: Array.from(pods.items()).filter(({ namespace }) => serves(namespace)),
          podsKnown: pods.synced,
          enis: addresses.enis,
          describedAt: addresses.describedAt,
          addresses: latest?.statuses ?? [],
          addressesComplete: latest !== undefined,
          leaving: addresses.leaving,
        }),
        report: (report) => {
          if (!report.complete) return;
          found.elasticIps = report;
          settle();
        },
        happened: () => undefined,
        doubtEnis: () => undefined,
      },
      signal,
    );
    const routes = lookAtRoutes(
      {
        ...shared,
        metrics,
        options,
        ec2: ec2.routes,
        addresses,
        // Before the definitions are known, nor is what they declare.
        observed: () => (found.addresses === undefined ? undefined : observed),
        resyncMs: LOOK_MS,
        report: (report) => {
          found.routes = report;
          settle();
        },
      },
      signal,
    );
    Object.assign(loops, { addresses, elasticIps });
    const running = addresses.run();
    await looked.promise;
    const unanswered = missing();
    done.abort();
    await Promise.all([running, elasticIps.idle(), routes.idle(), ...tasks]);
    return {
      identity,
      addresses: found.addresses,
      elasticIps: found.elasticIps,
      routes: found.routes,
      describedAt: addresses.describedAt,
      missing: unanswered,
    };
  } catch (error) {
    // Only our own time-out ends the wait for the instance; anything else is a fault.
    if (!signal.aborted || stop.aborted) throw error;
    return {
      identity: undefined,
      addresses: undefined,
      elasticIps: undefined,
      routes: undefined,
      describedAt: undefined,
      missing: missing(),
    };
  } finally {
    clearInterval(reminder);
    done.abort();
    await Promise.all(tasks);
  }
}
