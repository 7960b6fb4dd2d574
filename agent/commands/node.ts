import { join } from 'node:path';
import type { NodeOptions } from '../../lib/config/options.ts';
import { podDialects } from '../../lib/dialect/index.ts';
import { requestsOf } from '../../lib/dialect/requests.ts';
import { imdsAddresses } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { revivePendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';
import { type Pod, podKey } from '../../lib/model/pod.ts';
import { grantedRequests } from '../../lib/plan/tenants.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Supervisor } from '../../lib/runtime/supervisor.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import { ElasticIpReconciler } from '../elastic-ips/reconciler.ts';
import { monotonicClock, toWallClock } from '../floating-ips/monotonic-clock.ts';
import { type FloatingIps, openFloatingIps } from '../floating-ips/open.ts';
import { serveHttp } from '../http.ts';
import { Gauges } from '../node/gauges.ts';
import { watchImds } from '../node/imds-watch.ts';
import { openObservers } from '../node/observers.ts';
import { OwnNodeWatch } from '../node/own-node.ts';
import { watchPods } from '../node/pod-watch.ts';
import { Readiness } from '../node/readiness.ts';
import { openTelling } from '../node/reporting.ts';
import { openNodeRoutes } from '../node/routes.ts';
import { SnapshotSource } from '../node/snapshot-source.ts';
import { definitionsOf, observeNode } from '../node/sources.ts';
import { announcedEni } from '../node-links/announced-eni.ts';
import { followNodeLinks } from '../node-links/open.ts';
import { openProcess } from '../process.ts';
import { openTenantRules } from '../tenants/open.ts';

/** How long calls in flight may take to end after a stop was asked for, ms; below the usual grace period of 30 s. */
const STOP_GRACE_MS = 10_000;

/**
 * `eni-agent node`: the composition root of the node agent. Long and boring on purpose: everything is made here, in the order in which
 * it is needed, and nothing is decided here.
 */
export async function runNode(options: NodeOptions, stop: AbortSignal): Promise<number> {
  const parts = openProcess('node', options, { node: options.nodeName });
  const { random, log, metrics, rounds } = parts;
  // Only the passing of time moves it: setting the machine's clock must not make what appears now older than what was recorded.
  const clock = monotonicClock(parts.clock, () => Math.floor(performance.now()));
  const wallTimeOf = toWallClock(clock, parts.clock);
  const environment = options.region ? { ...parts.environment, AWS_REGION: options.region } : parts.environment;
  const { nodeName, dryRun } = options;
  const calls = new AbortController();
  stop.addEventListener('abort', () => clock.after(STOP_GRACE_MS, () => calls.abort(stop.reason)), { once: true });
  const onFailure = (task: string, error: unknown, retryInMs: number) =>
    log.error('a task failed and starts again', { task, error, retryInMs });
  const supervisor = new Supervisor({ clock, random, onFailure }, stop);
  const loops: { addresses?: AddressReconciler; eips?: ElasticIpReconciler; floating?: FloatingIps } = {};
  const wake = () => {
    loops.addresses?.wake();
    loops.eips?.wake();
    loops.floating?.wake();
  };

  // First of all, so that a probe is answered, and told the reason, however long the rest takes.
  const readiness = new Readiness();
  const onWaiting = (reason: string) => readiness.faultsOf('EC2', () => [reason]);
  onWaiting('the EC2 instance of this node is not known yet');
  const snapshot = new SnapshotSource({ options, clock: parts.clock, readiness });
  const endpoints = {
    healthFaults: () => [...(loops.addresses?.stuck() ?? []), ...rounds.faults()],
    readyFaults: () => readiness.faults(),
    readyNotes: () => readiness.notes(),
    snapshot: options.serveSnapshot ? () => snapshot.read() : undefined,
    metrics: () => metrics.render(),
  };
  const server = await serveHttp(options.httpAddress, endpoints, calls.signal);
  for (const address of server.addresses) log.info('listening', { ...address });
  readiness.faultsOf('rounds', () => rounds.failing());
  supervisor.keep('readiness in the log', (signal) => readiness.follow(clock, log, signal));

  // Sources. They start before EC2 is known, so that they are ready when it is.
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
  const kube = createKubeClient({ connection, clock });
  const definitions = createNadCache({
    client: kube,
    clock,
    signal: stop,
    onError: (name, error) =>
      log.warn('cannot read NetworkAttachmentDefinition; its floating IPs are unknown', { name, error }),
  });
  const learnDefinitions = (pod: Pod) => {
    const names = definitionsOf(pod);
    if (names.length > 0) void definitions.prefetch(names).then(wake);
  };
  const onChange = (pod: Pod) => {
    wake();
    learnDefinitions(pod);
  };
  const pods = watchPods({ client: kube, nodeName, clock, random, log, metrics, onChange, onSynced: wake });
  const observers = openObservers(options, { clock, random, log, onChange: wake });
  supervisor.keep('pod watch', (signal) => pods.run(signal));
  for (const observer of observers.tasks) supervisor.keep(observer.name, observer.run);
  readiness.faultsOf('pods', () => unless(pods.synced, 'the pods of this node are not known yet', pods.fault));
  readiness.faultsOf('observers', observers.faults);
  readiness.notesOf(observers.notes);
  readiness.notesOf(() => unless(pods.connected || !pods.synced, 'the watch of this node’s pods is down', pods.fault));

  // EC2.
  const endpoint = imdsEndpoint(environment);
  const imds =
    endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  const [identity, interfaces] = await Promise.all([
    resolveIdentity({ ...parts, imds, kube, nodeName, region: environment['AWS_REGION'], onWaiting }, stop),
    hintsFrom(imds, stop),
  ]);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  const rateLimit = new RateLimit({ clock, random });
  metrics.ec2Limit(() => rateLimit.levels);
  const { observe, takeover, allowPrimary, release, releaseDelayMs } = options;
  log.info('serving node', { ...identity, observe, takeover, release, dryRun });

  // Telling.
  const tenants = await openTenantRules({ clock, log, options, supervisor, onChange: wake });
  const filter = {
    interfaces: (name: string) => options.interfaceFilter.test(name),
    namespaces: options.namespaces,
    tenants: () => tenants.policy,
    nodeAddresses: () => loops.floating?.addresses() ?? new Set<never>(),
  };
  const serves = (namespace: string) => filter.namespaces.length === 0 || filter.namespaces.includes(namespace);
  const servedPods = () => Array.from(pods.items()).filter(({ namespace }) => serves(namespace));
  const telling = openTelling({
    ...parts,
    ages: clock,
    kube,
    nodeName,
    dryRun,
    pods: servedPods,
    signal: calls.signal,
  });
  const gauges = new Gauges(metrics);

  // The loops.
  const ledger = new Journal({
    path: join(options.stateDir, 'ledger.jsonl'),
    access: dryRun ? 'read' : 'write',
    revive: (stored) => reviveLedgerEntry(stored, clock.now()),
    onProblem: (message, error) => log.error(message, { error }),
  });
  if (!ledger.trusted)
    log.info('no ledger to rely on: what is found in place is not new', { ledger: ledger.recovered });
  const takings = new Journal({
    path: join(options.stateDir, 'elastic-ips.jsonl'),
    access: dryRun ? 'read' : 'write',
    revive: revivePendingAssociation,
    onProblem: (message, error) => log.error(message, { error }),
  });
  readiness.notesOf(() => [ledger, takings, routed.records].flatMap(({ limits }) => limits ?? []));
  let latest: NodeReport | undefined;
  const shared = { clock, random, rateLimit, dryRun, rounds, callSignal: calls.signal };
  const addresses = new AddressReconciler(
    {
      ...shared,
      ledger,
      ec2: ec2.addresses,
      instanceId: identity.instanceId,
      policy: { takeover, allowPrimary, release, releaseDelayMs },
      clusterName: options.clusterName,
      observe: () => routed.saw(observeNode({ pods, definitions, ...observers }, filter)),
      report: (report) => {
        latest = report;
        snapshot.addresses(report);
        telling.story.statuses(report.statuses);
        telling.story.leftOut(report.leftOut);
        telling.story.inputFaults(report.refusals, (key) => pods.get(key));
        gauges.report({ ...report, statuses: [...report.statuses, ...routed.statuses()] }, ledger.values());
        gauges.stateFiles({ ledger, 'elastic-ips': takings, routes: routed.records });
        telling.publisher.addresses(report);
        routed.wake();
        loops.eips?.wake();
        loops.floating?.wake();
      },
      events: telling.story,
      resyncMs: options.ec2ResyncMs,
    },
    stop,
  );
  const eips = new ElasticIpReconciler(
    {
      ...shared,
      log,
      requestsOf: (pod, context) => grantedRequests(requestsOf(pod, context), tenants.policy),
      takings,
      serves,
      releaseDelayMs,
      ec2: ec2.elasticIps,
      interfaces: ec2.interfaces,
      dialects: podDialects,
      context: { clusterName: options.clusterName, nodeName },
      observe: () => ({
        pods: servedPods(),
        podsKnown: pods.synced,
        enis: addresses.enis,
        describedAt: addresses.describedAt,
        addresses: [...(latest?.statuses ?? []), ...routed.statuses()],
        addressesComplete: latest?.complete ?? false,
        leaving: addresses.leaving,
      }),
      report: (report) => {
        gauges.elasticIps(report);
        snapshot.elasticIps(report);
        telling.publisher.elasticIps(report);
      },
      happened: telling.eipHappened,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop,
  );
  const routed = openNodeRoutes(
    { ...shared, ...parts, ages: clock, options, ec2: ec2.routes, addresses, telling },
    stop,
  );
  const ownNode = new OwnNodeWatch({ ...parts, kube, nodeName });
  const floating = openFloatingIps({
    ...parts,
    ages: clock,
    kube,
    nodeName,
    ownNode,
    instanceId: identity.instanceId,
    imds,
    ec2,
    rateLimit,
    dryRun,
    clusterName: options.clusterName,
    stateDir: options.stateDir,
    namespace: options.leaseNamespace ?? connection.namespace ?? 'default',
    parkMs: options.floatingIpParkMs,
    enis: () => addresses.enis,
    describedAt: () => wallTimeOf(addresses.describedAt),
    podAddresses: () => new Map((latest?.statuses ?? []).map(({ claim }) => [claim.address, podKey(claim.holder)])),
    doubtEnis: (cause) => addresses.doubt(cause),
    calls: calls.signal,
  });
  Object.assign(loops, { addresses, eips, floating });
  snapshot.serves(identity, () => wallTimeOf(addresses.describedAt));
  readiness.faultsOf('EC2', () =>
    unless(addresses.describedAt !== undefined, 'the ENIs of this node are not known yet', addresses.trouble?.message),
  );
  if (imds !== undefined) {
    const watch = {
      clock,
      intervalMs: options.imdsResyncMs,
      read: (signal: AbortSignal) => imdsAddresses(imds, signal),
      enis: () => addresses.enis,
      doubt: (cause: string) => addresses.doubt(cause),
      onProblem: (error: unknown) => log.debug('instance metadata does not answer', { error }),
    };
    supervisor.keep('metadata watch', (signal) => watchImds(watch, signal));
  }
  if (!dryRun) {
    const attached = (one: AnnouncedInterface) => {
      addresses.attached(announcedEni(one, addresses.enis));
      addresses.doubt(`NodeENI ${one.nodeEni} attached ${one.id}`);
    };
    supervisor.keep('links of NodeENIs', (signal) =>
      followNodeLinks({ ...parts, kube, nodeName, ownNode, attached }, signal),
    );
  }
  // A dry run must not compete: the Lease would keep others from serving.
  const floatingDone = dryRun ? Promise.resolve() : floating.run(stop);
  await addresses.run();
  await eips.idle();
  await routed.close();
  await floatingDone;
  log.info('stopping: what was in flight has ended; the addresses stay');
  await telling.drained();
  ledger.close();
  takings.close();
  calls.abort(stop.reason);
  await supervisor.finished();
  await ownNode.close();
  await kube.close();
  return 0;
}

/** One reason, with its cause where one is known; none while all is well. */
function unless(isWell: boolean, reason: string, cause?: string): readonly string[] {
  if (isWell) return [];
  return [cause === undefined ? reason : `${reason}: ${cause}`];
}
