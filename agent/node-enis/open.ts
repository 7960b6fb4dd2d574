import type { KubeClient } from '../../lib/kube/client.ts';
import { patchObject } from '../../lib/kube/custom-resources.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { listInterfaceUsers, nodeEniPath } from '../../lib/kube/node-enis.ts';
import { NODE_ENI_FINALIZER, type NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import { Topic } from '../../lib/runtime/topic.ts';
import type { TermProcess } from '../process.ts';
import { NodeEniPublisher, typeOf } from './publisher.ts';
import { type NodeEniEc2, NodeEniReconciler } from './reconciler.ts';
import type { NodeEniEvent } from './reporter.ts';
import { NodeEniSources } from './sources.ts';

export interface NodeEnisOptions {
  readonly process: TermProcess;
  readonly ec2: NodeEniEc2;
  readonly kube: KubeClient;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly clusterName: string;
  readonly gauge: (byState: Readonly<Record<string, number>>) => void;
}

export interface NodeEnis {
  trigger(): void;
  /** Looks which definitions exist, until the signal aborts. */
  followDefinitions(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is in flight any more. */
  idle(): Promise<void>;
}

/** What the VPC CNI keeps on network card 0 of each node: the primary, and one spare (its default `WARM_ENI_TARGET=1`). */
const VPC_CNI_INTERFACES = 2;
/** The loop for NodeENIs on watches of its own, for one term of leadership. */
export function openNodeEnis(options: NodeEnisOptions, signal: AbortSignal): NodeEnis {
  const { process, ec2, kube, recorder, clusterName, gauge } = options;
  const { clock, random, log } = process;
  const changed = new Topic();
  const sources = new NodeEniSources({ kube, clock, random, log, onChange: () => changed.publish() }, signal);
  const publisher = new NodeEniPublisher({ kube, clock, log, changed }, signal);
  const loop = new NodeEniReconciler(
    {
      process,
      ec2,
      clusterName,
      reserved: VPC_CNI_INTERFACES,
      objects: {
        observe: () => sources.read(),
        usersOf: (nodeName) => listInterfaceUsers(kube, nodeName, signal),
        endingOf: (object) => readEnding(kube, { namespace: '' }, typeOf(object), signal),
        setFinalizer: (object, isOn) => setFinalizer(kube, object, isOn, signal),
        publish: (plan) => publisher.publish(plan),
      },
      record: (event) => recordEvent(recorder, event),
      gauge,
    },
    signal,
  );

  changed.subscribe(() => loop.trigger());
  return {
    trigger: () => loop.trigger(),
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
