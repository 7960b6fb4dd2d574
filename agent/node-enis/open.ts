import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { NetworkApi } from '../../lib/ec2/network-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { patchObject } from '../../lib/kube/custom-resources.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { listInterfaceUsers, nodeEniPath } from '../../lib/kube/node-enis.ts';
import { NODE_ENI_FINALIZER, type NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import type { Tracer } from '../../lib/runtime/tracing.ts';
import type { ProcessParts } from '../process.ts';
import { NodeEniPublisher, typeOf } from './publisher.ts';
import { NodeEniReconciler } from './reconciler.ts';
import type { NodeEniEvent } from './reporter.ts';
import { NodeEniSources } from './sources.ts';

export interface NodeEnisOptions {
  readonly parts: Pick<ProcessParts, 'clock' | 'random' | 'log' | 'health'>;
  readonly kube: KubeClient;
  readonly interfaces: InterfaceApi;
  readonly networks: NetworkApi;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly rateLimit: RateLimit;
  readonly tracer: Tracer;
  readonly clusterName: string;
  readonly resyncMs: number;
  readonly mayAct: () => boolean;
  readonly gauge: (byState: Readonly<Record<string, number>>) => void;
}

export interface NodeEnis {
  wake(): void;
  /** Looks which definitions exist, until the signal aborts. */
  followDefinitions(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is in flight any more. */
  idle(): Promise<void>;
}

/** What the VPC CNI keeps on network card 0 of each node: the primary, and one spare (its default `WARM_ENI_TARGET=1`). */
const VPC_CNI_INTERFACES = 2;
/** The loop for NodeENIs on watches of its own, for one term of leadership. */
export function openNodeEnis(options: NodeEnisOptions, signal: AbortSignal): NodeEnis {
  const { parts, kube, interfaces, networks, recorder, clusterName, mayAct } = options;
  const { clock, random, log, health } = parts;
  const changed = new Topic();
  const sources = new NodeEniSources({ kube, clock, random, log, onChange: () => changed.publish() }, signal);
  const publisher = new NodeEniPublisher({ kube, clock, log, changed }, signal);
  const loop = new NodeEniReconciler(
    {
      clock,
      random,
      log,
      clusterName,
      networks,
      mayAct,
      ...(health && { health }),
      ec2: interfaces,
      rateLimit: options.rateLimit,
      tracer: options.tracer,
      reserved: VPC_CNI_INTERFACES,
      resyncMs: options.resyncMs,
      observe: () => sources.read(),
      usersOf: (nodeName) => listInterfaceUsers(kube, nodeName, signal),
      endingOf: (object) => readEnding(kube, { namespace: '' }, typeOf(object), signal),
      setFinalizer: (object, isOn) => setFinalizer(kube, object, isOn, signal),
      publish: (plan) => publisher.publish(plan),
      record: (event) => recordEvent(recorder, event),
      gauge: options.gauge,
      callSignal: signal,
    },
    signal,
  );

  changed.subscribe(() => loop.wake());
  return {
    wake: () => loop.wake(),
    followDefinitions: (until) => sources.followDefinitions(until),
    async idle() {
      await Promise.all([loop.idle(), publisher.idle(), sources.ended()]);
    },
  };
}

async function setFinalizer(kube: KubeClient, object: NodeEni, isOn: boolean, signal: AbortSignal): Promise<void> {
  const { uid, resourceVersion, finalizers, dialect, name } = object;
  const ours = NODE_ENI_FINALIZER[dialect];
  const kept = finalizers.filter((one) => one !== ours);
  const target = { path: nodeEniPath(typeOf(object), name), uid, resourceVersion };
  const outcome = await patchObject(kube, target, { metadata: { finalizers: isOn ? [...kept, ours] : kept } }, signal);
  if (outcome === 'stale') throw new Error('the object has changed since it was read');
}

function recordEvent(recorder: Pick<EventRecorder, 'record'>, { object, node, ...event }: NodeEniEvent): void {
  const { group, version, kind } = typeOf(object);
  const { name, uid } = object;
  const message = node === undefined || node === '' ? event.message : `node ${node}: ${event.message}`;
  recorder.record({ apiVersion: `${group}/${version}`, kind, namespace: '', name, uid }, { ...event, message });
  if (node === undefined || node === '') return;
  // Events about a Node carry its name as uid, as the kubelet's do: `kubectl describe node` looks for that.
  const target = { apiVersion: 'v1', kind: 'Node', namespace: '', name: node, uid: node };
  recorder.record(target, { ...event, message: `NodeENI ${name}: ${event.message}` });
}
