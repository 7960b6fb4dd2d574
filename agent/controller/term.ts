import type { ControllerOptions } from '../../lib/config/options.ts';
import { objectDialects } from '../../lib/dialect/handover-adapter.ts';
import { podDialects } from '../../lib/dialect/index.ts';
import type { QuotaApi } from '../../lib/ec2/service-quotas.ts';
import { type KubeClient } from '../../lib/kube/client.ts';
import { createEventRecorder, type EventRecorder } from '../../lib/kube/events.ts';
import { createOwnerReads } from '../../lib/kube/owner-reads.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Supervisor } from '../../lib/runtime/supervisor.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import type { Tracer } from '../../lib/runtime/tracing.ts';
import { type Ec2Access } from '../aws/ec2-access.ts';
import { removeLegacyFinalizers } from '../eip-objects/legacy-finalizers.ts';
import { EipObjectReconciler } from '../eip-objects/reconciler.ts';
import { EipObjectReporter } from '../eip-objects/reporter.ts';
import { resourceOf } from '../eip-objects/step-facts.ts';
import { type EniObjectsOptions, openEniObjects } from '../eni-objects/open.ts';
import { type NodeEnisOptions, openNodeEnis } from '../node-enis/open.ts';
import { type ProcessParts, type TermProcess } from '../process.ts';
import { type QuotaParts, watchQuota } from '../quota/quota.ts';
import { runSweep, type SweepParts } from '../sweep/sweep.ts';
import { openTenantRules } from '../tenants/open.ts';
import type { TenantRules } from '../tenants/tenant-rules.ts';
import { LEASE } from './election.ts';
import type { ControllerSnapshot } from './snapshot.ts';
import { ControllerSources } from './sources.ts';

export interface TermCluster {
  readonly name: string;
  readonly kube: KubeClient;
  /** Of the Lease, which Events about the whole controller are written for. */
  readonly namespace: string;
}

export interface TermAws {
  readonly ec2: Ec2Access;
  readonly quotas: QuotaApi;
}

/** What every loop of the controller is made from. */
export interface TermParts {
  readonly process: ProcessParts;
  readonly options: ControllerOptions;
  readonly cluster: TermCluster;
  readonly aws: TermAws;
  readonly tracer: Tracer;
  /** Asked right before each call that changes something. */
  readonly mayAct: () => boolean;
  readonly snapshot?: ControllerSnapshot;
}

/**
 * The leader's loops, until the signal aborts and what was in flight has ended. Another loop is a folder of its own beside
 * eip-objects: it takes {@link TermParts} and the shared sources, states what it needs to see by `sources.need…`, is triggered by
 * `changed`, and is kept by the supervisor here.
 */
export async function leadOneTerm(term: TermParts, signal: AbortSignal): Promise<void> {
  const { process, options, cluster, mayAct } = term;
  const { clock, random, log } = process;
  const { kube } = cluster;
  const onFailure = (task: string, error: unknown, retryInMs: number) =>
    log.error('a task failed and is being restarted', { task, error, retryInMs });
  const supervisor = new Supervisor({ clock, random, onFailure }, signal);
  const changed = new Topic();
  const onChange = () => changed.publish();
  const sources = new ControllerSources({ kube, clock, random, log, namespaces: options.namespaces, onChange }, signal);
  const tenants = await openTenantRules({ clock, log, options, supervisor, onChange });
  const shared: SharedParts = {
    sources,
    tenants,
    recorder: openRecorder(term, signal),
    rateLimit: new RateLimit({ clock, random }),
    mayAct: () => mayAct() && !options.dryRun,
  };
  process.metrics.ec2Limit(() => shared.rateLimit.levels);
  if (term.snapshot !== undefined) term.snapshot.ec2 = () => shared.rateLimit.levels;
  const objects = openEipObjects(term, shared, signal);
  const eniObjects = openEniObjects(eniObjectParts(term, shared, signal), signal);
  const nodeEnis = openNodeEnis(nodeEniParts(term, shared, signal), signal);
  changed.subscribe(() => {
    for (const loop of [objects, eniObjects, nodeEnis]) loop.trigger();
  });
  supervisor.keep('definitions of NodeENI', (ending) => nodeEnis.followDefinitions(ending));
  supervisor.keep('custom resource definitions', (ending) => sources.followDefinitions(ending));
  supervisor.keep('EIP objects', () => objects.run());
  supervisor.keep('finalizers of a replaced operator', async (ending) => {
    await removeLegacyFinalizers({ kube, log, namespaces: options.namespaces, dryRun: options.dryRun }, ending);
    await aborted(ending);
  });
  supervisor.keep('quota', (ending) => watchQuota(quotaParts(term, shared), ending));
  if (options.sweep !== 'off')
    supervisor.keep('sweep', (ending) => runSweep(sweepParts(term, shared.rateLimit, ending), ending));
  await supervisor.finished();
  await Promise.all([eniObjects.idle(), nodeEnis.idle()]);
  await sources.ended();
}

/** What the loops of one term share. */
interface SharedParts {
  readonly sources: ControllerSources;
  readonly tenants: TenantRules;
  readonly recorder: EventRecorder;
  readonly rateLimit: RateLimit;
  /** False in a dry run, too. */
  readonly mayAct: () => boolean;
}

function openRecorder({ cluster, process }: TermParts, signal: AbortSignal): EventRecorder {
  return createEventRecorder({
    client: cluster.kube,
    clock: process.clock,
    signal,
    component: 'eni-agent-controller',
    host: '',
    onDrop: (cause) => process.metrics.eventDropped(cause),
  });
}

function openEipObjects(
  { process, options, cluster, aws, mayAct }: TermParts,
  { sources, tenants, recorder, rateLimit }: SharedParts,
  signal: AbortSignal,
): EipObjectReconciler {
  const { clock, random, log, health } = process;
  return new EipObjectReconciler(
    {
      process: { clock, random, log, health, mayAct, dryRun: options.dryRun },
      ec2: { ...aws.ec2, rateLimit, resyncMs: options.ec2ResyncMs },
      kube: cluster.kube,
      sources,
      context: { clusterName: cluster.name, defaultTags: options.defaultTags },
      tenants: () => tenants.policy,
      reporter: new EipObjectReporter(options.dryRun ? { record: () => undefined } : recorder, log, resourceOf),
    },
    signal,
  );
}

/** The process of a loop whose calls end with the term. */
function processOf({ process, tracer }: TermParts, { mayAct }: SharedParts, callSignal: AbortSignal): TermProcess {
  const { clock, random, log, health } = process;
  return { clock, random, log, health, tracer, mayAct, callSignal };
}

function eniObjectParts(term: TermParts, shared: SharedParts, signal: AbortSignal): EniObjectsOptions {
  const { options, cluster, aws } = term;
  const { sources, tenants, recorder, rateLimit } = shared;
  return {
    process: processOf(term, shared, signal),
    ec2: { interfaces: aws.ec2.interfaces, rateLimit, resyncMs: options.ec2ResyncMs },
    kube: cluster.kube,
    sources,
    recorder,
    context: { clusterName: cluster.name, defaultTags: options.defaultTags },
    tenants: () => tenants.policy,
  };
}

function nodeEniParts(term: TermParts, shared: SharedParts, signal: AbortSignal): NodeEnisOptions {
  const { process, options, cluster, aws } = term;
  const { interfaces, networks } = aws.ec2;
  return {
    process: processOf(term, shared, signal),
    ec2: { interfaces, networks, rateLimit: shared.rateLimit, resyncMs: options.ec2ResyncMs },
    kube: cluster.kube,
    recorder: shared.recorder,
    clusterName: cluster.name,
    gauge: (byState) => process.metrics.nodeEnis(byState),
  };
}

function quotaParts(
  { process, aws, cluster, snapshot }: TermParts,
  { rateLimit, recorder }: Pick<SharedParts, 'rateLimit' | 'recorder'>,
): QuotaParts {
  const { clock, log, metrics } = process;
  const { namespace } = cluster;
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: LEASE, uid: '' };
  return {
    process: { clock, log },
    ec2: { elasticIps: aws.ec2.elasticIps, rateLimit },
    quotas: aws.quotas,
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
  { process, options, cluster, aws, mayAct }: TermParts,
  rateLimit: RateLimit,
  callSignal: AbortSignal,
): SweepParts {
  const { clock, random, log, metrics } = process;
  const { elasticIps, interfaces } = aws.ec2;
  const context = { clusterName: cluster.name, nodeName: '' };
  return {
    process: { clock, random, log, mayAct, callSignal },
    ec2: { elasticIps, interfaces, rateLimit },
    reads: createOwnerReads(cluster.kube, callSignal),
    adapters: { pods: podDialects, objects: objectDialects, context },
    mode: options.dryRun ? 'dry-run' : options.sweep === 'on' ? 'on' : 'dry-run',
    orphans: (count) => metrics.orphans(count),
  };
}

/** Resolves when the signal has aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
