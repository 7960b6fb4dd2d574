import { metadataOf, podDialects } from '../../lib/dialect/index.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { createPodPublisher } from '../../lib/kube/publish.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { EipEvent, EipEventKind, ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import { type Pod, type PodRef, podKey } from '../../lib/model/pod.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import type { RouteEvent } from '../routed-ips/reporter.ts';
import type { NodeContext } from './context.ts';
import { Publisher } from './publisher.ts';
import { definitionsOf } from './sources.ts';

export interface ReportParts {
  readonly context: NodeContext;
  readonly client: KubeClient;
  readonly pods: Pick<Reflector<Pod>, 'get'>;
  readonly servedPods: () => readonly Pod[];
}

export type NodeReports = ReturnType<typeof openNodeReports>;

/** Everything that reports to people and Kubernetes what the node's agent does; in a dry run only the log is left. */
export function openNodeReports({ context, client, pods, servedPods }: ReportParts) {
  const { process, ages, bus, calls: signal } = context;
  const { log, metrics } = process;
  const { recorder, record } = openRecorder(context, client);
  const addressReporter = new AddressReporter({
    clock: ages,
    log,
    metrics,
    emit: ({ pod, ...event }) => record(pod, event),
  });
  const routeReporter = new AddressReporter({
    clock: ages,
    log,
    metrics,
    emit: ({ pod, ...event }) => record(pod, event),
  });
  const publisher = openPublisher(context, client, servedPods);
  bus.addresses.subscribe((report) => {
    if (report === undefined) return;
    addressReporter.statuses(report.statuses);
    addressReporter.leftOut(report.leftOut);
    addressReporter.inputFaults(report.refusals, (key) => pods.get(key));
    publisher.addresses(report);
  });
  bus.changed.subscribe(() => publisher.outdated());
  bus.routes.subscribe((statuses) => publisher.routed(statuses));
  bus.elasticIps.subscribe((report) => report && publisher.elasticIps(report));
  return {
    addressReporter,
    routeReporter,
    recordRouteEvent: ({ pod, ...event }: RouteEvent) => record(pod, event),
    /** For the pod of a claim, or the one that an EIP's tags name, if it still lives here. */
    recordEipEvent(claim: ElasticIpClaim | undefined, owner: string, event: EipEventKind): void {
      const pod = claim?.owner ?? servedPods().find((candidate) => podKey(candidate) === owner);
      const dialect = podDialects.find(({ name }) => name === claim?.dialect) ?? podDialects[0];
      if (pod && dialect) record(pod, dialect.event(event));
    },
    /** Ends when everything is reported, or the signal has cut it off. */
    async drained(): Promise<void> {
      await Promise.race([Promise.all([publisher.idle(), recorder.drained()]), aborted(signal)]);
    },
  };
}

/** Events on pods. */
function openRecorder({ options, process, calls }: NodeContext, client: KubeClient) {
  const recorder = createEventRecorder({
    client,
    clock: process.clock,
    signal: calls,
    component: 'eni-agent',
    host: options.nodeName,
    onDrop: (cause) => process.metrics.eventDropped(cause),
  });
  const record = ({ namespace, name, uid }: PodRef, event: EipEvent): void => {
    if (!options.dryRun && uid !== '') recorder.record({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, event);
  };
  return { recorder, record };
}

/** Annotations, labels and conditions of pods. */
function openPublisher(
  { options, process, stop, calls: signal }: NodeContext,
  client: KubeClient,
  pods: () => readonly Pod[],
): Publisher {
  const { clock, random } = process;
  const writer = createPodPublisher({ client, clock, random, signal });
  return new Publisher({
    process,
    stop,
    pods,
    hasNetworks: (pod) => definitionsOf(pod).length > 0,
    metadata: metadataOf,
    patch: async (pod, change) => {
      if (!options.dryRun && !signal.aborted) await writer.patchPod(pod, change).catch(unlessAborted(signal));
    },
  });
}

/** A write that our own stop has cut off is not a failure: the next start writes what is still missing. */
function unlessAborted(signal: AbortSignal) {
  return (error: unknown) => {
    if (!signal.aborted) throw error;
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
