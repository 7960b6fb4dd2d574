import { metadataOf, podDialects } from '../../lib/dialect/index.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { createPodPublisher } from '../../lib/kube/publish.ts';
import type { EipEvent, EipEventKind, ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import { type Pod, type PodRef, podKey } from '../../lib/model/pod.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import type { ProcessParts } from '../process.ts';
import type { RouteEvent } from '../routed-ips/reporter.ts';
import { Publisher } from './publisher.ts';
import { definitionsOf } from './sources.ts';

export interface TellingOptions extends ProcessParts {
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly pods: () => Iterable<Pod>;
  readonly dryRun: boolean;
  /** The clock by which claims are dated. */
  readonly ages: Clock;
  /** Ends writes in flight. */
  readonly signal: AbortSignal;
}

/** Everything that reports to people and Kubernetes what the node's agent does; in a dry run only the log is left. */
export function openTelling(options: TellingOptions) {
  const { clock, random, log, metrics, kube, nodeName, pods, dryRun, signal } = options;
  const onDrop = (cause: string) => metrics.eventDropped(cause);
  const reporter = { component: 'eni-agent', host: nodeName };
  const recorder = createEventRecorder({ client: kube, clock, signal, ...reporter, onDrop });
  const writer = createPodPublisher({ client: kube, clock, random, signal });
  const record = ({ namespace, name, uid }: PodRef, event: EipEvent) => {
    if (!dryRun && uid !== '') recorder.record({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, event);
  };
  const story = new AddressReporter({
    clock: options.ages,
    log,
    metrics,
    emit: ({ pod, ...event }) => record(pod, event),
  });
  const routeStory = new AddressReporter({
    clock: options.ages,
    log,
    metrics,
    emit: ({ pod, ...event }) => record(pod, event),
  });
  const routeHappened = ({ pod, ...event }: RouteEvent) => record(pod, event);
  const publisher = new Publisher({
    clock,
    log,
    pods,
    hasNetworks: (pod) => definitionsOf(pod).length > 0,
    marks: metadataOf,
    patch: async (pod, change) => {
      if (!dryRun && !signal.aborted) await writer.patchPod(pod, change).catch(unlessAborted(signal));
    },
  });
  /** The pod of a claim, or the one that an EIP's tags name, if it still lives here. */
  const eipHappened = (claim: ElasticIpClaim | undefined, owner: string, happening: EipEventKind) => {
    const pod = claim?.owner ?? Array.from(pods()).find((candidate) => podKey(candidate) === owner);
    const dialect = podDialects.find(({ name }) => name === claim?.dialect) ?? podDialects[0];
    if (pod && dialect) record(pod, dialect.event(happening));
  };
  /** Ends when everything is reported, or the signal has cut it off. */
  const drained = async () => {
    await Promise.race([Promise.all([publisher.idle(), recorder.drained()]), aborted(signal)]);
  };
  return { story, routeStory, routeHappened, publisher, eipHappened, drained };
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
