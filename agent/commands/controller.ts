import type { ControllerOptions } from '../../lib/config/options.ts';
import { objectDialects } from '../../lib/dialect/handover-adapter.ts';
import { podDialects } from '../../lib/dialect/index.ts';
import { chooseRegion } from '../../lib/ec2/identity.ts';
import { imdsIdentity } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import type { QuotaApi } from '../../lib/ec2/service-quotas.ts';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { createEventRecorder, type EventRecorder } from '../../lib/kube/events.ts';
import { createOwnerReads } from '../../lib/kube/owner-reads.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Supervisor } from '../../lib/runtime/supervisor.ts';
import type { Tracer } from '../../lib/runtime/tracing.ts';
import { type Ec2Access, openEc2 } from '../aws/ec2-access.ts';
import { createElection, LEASE } from '../controller/election.ts';
import { openControllerTracing } from '../controller/open-tracing.ts';
import { ControllerSnapshot } from '../controller/snapshot.ts';
import { ControllerSources } from '../controller/sources.ts';
import { removeLegacyFinalizers } from '../eip-objects/legacy-finalizers.ts';
import { EipObjectReconciler } from '../eip-objects/reconciler.ts';
import { EipObjectReporter } from '../eip-objects/reporter.ts';
import { resourceOf } from '../eip-objects/step-facts.ts';
import { openEniObjects } from '../eni-objects/open.ts';
import { serveHttp } from '../http.ts';
import { openNodeEnis } from '../node-enis/open.ts';
import { openProcess, type ProcessParts } from '../process.ts';
import { type QuotaParts, watchQuota } from '../quota/quota.ts';
import { runSweep, type SweepParts } from '../sweep/sweep.ts';
import { openTenantRules } from '../tenants/open.ts';
import { VERSION } from '../version.ts';

/** Exit code for a configuration that cannot be used (EX_USAGE of sysexits). */
const USAGE_FAULT = 64;

/**
 * `eni-agent controller`: the composition root. The standby holds nothing but its connection and looks at the Lease; all watches and
 * loops live for one term of leadership, so that each begins with fresh eyes.
 */
export async function runController(options: ControllerOptions, stop: AbortSignal): Promise<number> {
  const parts = openProcess('controller', options, {});
  const { clock, log, metrics, environment } = parts;
  const { clusterName } = options;
  if (clusterName === undefined) {
    log.error(
      'the owners of Elastic IPs cannot be told apart without a cluster name; set --cluster-name or CLUSTER_NAME',
    );
    return USAGE_FAULT;
  }
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
  const kube = createKubeClient({ connection, clock });
  const tracing = await openControllerTracing(environment, log, () => clock.now());
  const { tracer } = tracing;
  let waiting: string | undefined = 'the AWS region is not known yet';
  const closing = new AbortController();
  const snapshot = new ControllerSnapshot(clock);
  const endpoints = {
    healthFaults: () => parts.rounds.faults(),
    // A standby is ready, too: it could lead at any time.
    readyFaults: () => [...(waiting === undefined ? [] : [waiting]), ...parts.rounds.failing()],
    metrics: () => metrics.render(),
    snapshot: options.serveSnapshot ? () => snapshot.read(waiting) : undefined,
  };
  const server = await serveHttp(options.httpAddress, endpoints, closing.signal);
  for (const address of server.addresses) log.info('listening', { ...address });
  const region = await findRegion(parts, stop, (reason) => {
    waiting = reason;
  });
  waiting = undefined;
  const ec2 = openEc2(region, () => [], { ...parts, tracer });
  const { openServiceQuotas } = await import('../../lib/ec2/service-quotas.ts');
  const quotas = openServiceQuotas({
    region: chooseRegion({ environment, identity: region }),
    version: VERSION,
    credentials: ec2.credentials,
  });
  const namespace = options.leaseNamespace ?? connection.namespace ?? 'default';
  const lead = (signal: AbortSignal, mayAct: () => boolean) => {
    snapshot.leads = mayAct;
    return leadOneTerm({ parts, options, clusterName, kube, ec2, quotas, tracer, namespace, mayAct, snapshot }, signal);
  };
  await createElection({ ...parts, kube, options, namespace, lead }).run(stop);
  closing.abort(stop.reason);
  await tracing.close();
  await kube.close();
  return 0;
}

/** What every loop of the controller is made from. */
export interface TermParts {
  readonly parts: ProcessParts;
  readonly options: ControllerOptions;
  readonly clusterName: string;
  readonly kube: KubeClient;
  readonly ec2: Ec2Access;
  readonly quotas: QuotaApi;
  readonly tracer: Tracer;
  /** Of the Lease, which Events about the whole controller are written for. */
  readonly namespace: string;
  /** Asked right before each call that changes something. */
  readonly mayAct: () => boolean;
  readonly snapshot?: ControllerSnapshot;
}

/**
 * The leader's loops, until the signal aborts and what was in flight has ended. Another loop (ENI objects, sweep, quota) is a folder or
 * file of its own beside object-engine.ts: it takes {@link TermParts} and the shared sources, states what it needs to see by
 * `sources.need…`, is woken in `wake`, and is kept by the supervisor here.
 */
export async function leadOneTerm(term: TermParts, signal: AbortSignal): Promise<void> {
  const { parts, options, clusterName, kube, ec2, mayAct } = term;
  const { clock, random, log, rounds } = parts;
  const onFailure = (task: string, error: unknown, retryInMs: number) =>
    log.error('a task failed and starts again', { task, error, retryInMs });
  const supervisor = new Supervisor({ clock, random, onFailure }, signal);
  const loops: { wake(): void }[] = [];
  const wake = () => {
    for (const loop of loops) loop.wake();
  };
  const sources = new ControllerSources(
    { kube, clock, random, log, namespaces: options.namespaces, onChange: wake },
    signal,
  );
  const tenants = await openTenantRules({ clock, log, options, supervisor, onChange: wake });
  const recorder = createEventRecorder({
    client: kube,
    clock,
    signal,
    component: 'eni-agent-controller',
    host: '',
    onDrop: (cause) => parts.metrics.eventDropped(cause),
  });
  const rateLimit = new RateLimit({ clock, random });
  parts.metrics.ec2Limit(() => rateLimit.levels);
  const context = { clusterName, defaultTags: options.defaultTags };
  const loopParts = {
    parts,
    kube,
    interfaces: ec2.interfaces,
    sources,
    recorder,
    rateLimit,
    tracer: term.tracer,
    context,
    resyncMs: options.ec2ResyncMs,
  };
  const objects = new EipObjectReconciler(
    {
      clock,
      random,
      log,
      rounds,
      kube,
      elasticIps: ec2.elasticIps,
      addresses: ec2.addresses,
      interfaces: ec2.interfaces,
      rateLimit,
      context,
      tenants: () => tenants.policy,
      sources,
      teller: new EipObjectReporter(options.dryRun ? { record: () => undefined } : recorder, log, resourceOf),
      resyncMs: options.ec2ResyncMs,
      mayAct,
      dryRun: options.dryRun,
    },
    signal,
  );
  const eniObjects = openEniObjects({ ...loopParts, mayAct: () => mayAct() && !options.dryRun }, signal);
  const nodeEnis = openNodeEnis(
    {
      parts,
      kube,
      recorder,
      rateLimit,
      clusterName,
      interfaces: ec2.interfaces,
      networks: ec2.networks,
      tracer: term.tracer,
      resyncMs: options.ec2ResyncMs,
      mayAct: () => mayAct() && !options.dryRun,
      gauge: (byState) => parts.metrics.nodeEnis(byState),
    },
    signal,
  );
  loops.push(objects, eniObjects, nodeEnis);
  supervisor.keep('definitions of NodeENI', (ending) => nodeEnis.followDefinitions(ending));
  supervisor.keep('custom resource definitions', (ending) => sources.followDefinitions(ending));
  supervisor.keep('EIP objects', () => objects.run());
  supervisor.keep('finalizers of a replaced operator', async (ending) => {
    await removeLegacyFinalizers({ kube, log, namespaces: options.namespaces, dryRun: options.dryRun }, ending);
    await aborted(ending);
  });
  supervisor.keep('quota', (ending) => watchQuota(quotaParts(term, { rateLimit, recorder }), ending));
  if (options.sweep !== 'off')
    supervisor.keep('sweep', (ending) => runSweep(sweepParts(term, rateLimit, ending), ending));
  await supervisor.finished();
  await Promise.all([eniObjects.idle(), nodeEnis.idle()]);
  await sources.ended();
}

function quotaParts(
  { parts, ec2, quotas, namespace, snapshot }: TermParts,
  { rateLimit, recorder }: { rateLimit: RateLimit; recorder: EventRecorder },
): QuotaParts {
  const { clock, log, metrics } = parts;
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: LEASE, uid: '' };
  return {
    clock,
    log,
    rateLimit,
    quotas,
    elasticIps: ec2.elasticIps,
    report: (used, allowed) => {
      metrics.elasticIpQuota(used, allowed);
      snapshot?.quota(used, allowed);
    },
    warn: (level, message) =>
      recorder.record(lease, {
        type: 'Warning',
        reason: level === 'near' ? 'EipQuotaNear' : 'EipQuotaReached',
        message,
      }),
  };
}

function sweepParts(
  { parts, options, clusterName, kube, ec2, mayAct }: TermParts,
  rateLimit: RateLimit,
  signal: AbortSignal,
): SweepParts {
  const { clock, random, log, metrics } = parts;
  return {
    clock,
    random,
    log,
    rateLimit,
    mayAct,
    elasticIps: ec2.elasticIps,
    interfaces: ec2.interfaces,
    reads: createOwnerReads(kube, signal),
    languages: { pods: podDialects, objects: objectDialects, context: { clusterName, nodeName: '' } },
    mode: options.dryRun ? 'dry-run' : options.sweep === 'on' ? 'on' : 'dry-run',
    orphans: (count) => metrics.orphans(count),
    callSignal: signal,
  };
}

/** Resolves when the signal has aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/**
 * `AWS_REGION` (a service account with a role has it), else the region of the instance that we run on, asked until it answers.
 * @throws the signal's reason when it aborts first.
 */
async function findRegion(
  { environment, clock, random, log }: ProcessParts,
  signal: AbortSignal,
  onWaiting: (reason: string) => void,
): Promise<InstanceIdentity> {
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'];
  const endpoint = imdsEndpoint(environment);
  if (region || endpoint === undefined) return { instanceId: '', region: region ?? '', instanceType: undefined };
  const read = imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await imdsIdentity(read, signal);
    } catch (error) {
      const retryInMs = Math.round(backoffMs(failures, { baseMs: 500, maxMs: 15_000, random }));
      const message = 'cannot find out the AWS region: set AWS_REGION, or let pods reach the instance metadata';
      onWaiting(`${message} (${error instanceof Error ? error.message : String(error)})`);
      log.warn(message, { error, retryInMs });
      await clock.sleep(retryInMs, signal);
    }
  }
}
