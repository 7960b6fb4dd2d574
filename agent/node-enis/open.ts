import { multiEniControllerStatus, sameMultiEniControllerStatus } from '../../lib/dialect/multi-eni-controller.ts';
import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { NetworkApi } from '../../lib/ec2/network-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { patchObject } from '../../lib/kube/custom-resources.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import {
  annotateNode,
  listInterfaceUsers,
  MULTI_ENI_TYPE,
  NODE_ENI_TYPE,
  nodeEniPath,
} from '../../lib/kube/node-enis.ts';
import { NODE_ENI_FINALIZER, type NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniPlan } from '../../lib/model/node-enis/plan.ts';
import { nodeEniStatusBody, sameNodeEniStatus } from '../../lib/model/node-enis/status.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { Tracer } from '../../lib/runtime/tracing.ts';
import type { ProcessParts } from '../process.ts';
import { NodeEniReconciler } from './reconciler.ts';
import type { NodeEniEvent } from './reporter.ts';
import { NodeEniSources } from './sources.ts';
import { EchoedWrites } from './writes.ts';

export interface NodeEnisOptions {
  readonly parts: Pick<ProcessParts, 'clock' | 'random' | 'log' | 'rounds'>;
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
/** Between two writes of one object's status, ms: a fleet that joins changes it many times a second. */
const STATUS_INTERVAL_MS = 1_000;
/** Between two annotations of one node, ms. */
const NOTICE_INTERVAL_MS = 50;

/** The loop for NodeENIs on watches of its own, for one term of leadership. */
export function openNodeEnis(options: NodeEnisOptions, signal: AbortSignal): NodeEnis {
  const { parts, kube, interfaces, networks, recorder, clusterName, mayAct } = options;
  const { clock, random, log, rounds } = parts;
  const wake = () => loop.wake();
  const sources = new NodeEniSources({ kube, clock, random, log, onChange: wake }, signal);
  const writes = { clock, log, wake };
  const statuses = new EchoedWrites({ ...writes, minIntervalMs: STATUS_INTERVAL_MS, what: 'the status of a NodeENI' });
  const notices = new EchoedWrites({
    ...writes,
    minIntervalMs: NOTICE_INTERVAL_MS,
    what: 'the announcement to a node',
  });
  const loop: NodeEniReconciler = new NodeEniReconciler(
    {
      clock,
      random,
      log,
      clusterName,
      networks,
      mayAct,
      ...(rounds && { rounds }),
      ec2: interfaces,
      rateLimit: options.rateLimit,
      tracer: options.tracer,
      reserved: VPC_CNI_INTERFACES,
      resyncMs: options.resyncMs,
      observe: () => sources.read(),
      usersOf: (nodeName) => listInterfaceUsers(kube, nodeName, signal),
      endingOf: (object) => readEnding(kube, { namespace: '' }, typeOf(object), signal),
      setFinalizer: (object, isOn) => setFinalizer(kube, object, isOn, signal),
      publish: (plan) => publish(plan),
      record: (event) => recordEvent(recorder, event),
      gauge: options.gauge,
      callSignal: signal,
    },
    signal,
  );

  function publish({
    statuses: wanted,
    notices: announced,
  }: Pick<NodeEniPlan, 'statuses' | 'notices'>): number | undefined {
    const times = announced.map(({ node, text }) => {
      const said = { key: node.name, version: node.resourceVersion, current: node.announced ?? '', text: text ?? '' };
      return notices.write(said, () => annotateNode(kube, node, text, signal)).retryAt;
    });
    for (const { object, status } of wanted) {
      const own = object.dialect === 'own';
      const same = own ? sameNodeEniStatus : sameMultiEniControllerStatus;
      // Comparing whole statuses is left to the model; here only whether this one was written already counts.
      const text = JSON.stringify(own ? nodeEniStatusBody(object, status, 0) : multiEniControllerStatus(status, 0));
      const current = same(object.status, status) ? text : '';
      const said = { key: object.uid, version: object.resourceVersion, current, text };
      times.push(statuses.write(said, () => writeStatus(kube, object, status, clock.now(), signal)).retryAt);
    }
    statuses.keep(new Set(wanted.map(({ object }) => object.uid)));
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  return {
    wake,
    followDefinitions: (until) => sources.followDefinitions(until),
    async idle() {
      await Promise.all([loop.idle(), statuses.idle(), notices.idle(), sources.ended()]);
    },
  };
}

function typeOf({ dialect }: NodeEni) {
  return dialect === 'own' ? NODE_ENI_TYPE : MULTI_ENI_TYPE;
}

async function setFinalizer(kube: KubeClient, object: NodeEni, isOn: boolean, signal: AbortSignal): Promise<void> {
  const { uid, resourceVersion, finalizers, dialect, name } = object;
  const ours = NODE_ENI_FINALIZER[dialect];
  const kept = finalizers.filter((one) => one !== ours);
  const target = { path: nodeEniPath(typeOf(object), name), uid, resourceVersion };
  const outcome = await patchObject(kube, target, { metadata: { finalizers: isOn ? [...kept, ours] : kept } }, signal);
  if (outcome === 'stale') throw new Error('the object has changed since it was read');
}

function writeStatus(
  kube: KubeClient,
  object: NodeEni,
  status: NodeEniPlan['statuses'][number]['status'],
  now: number,
  signal: AbortSignal,
) {
  const body =
    object.dialect === 'own' ? nodeEniStatusBody(object, status, now) : multiEniControllerStatus(status, now);
  // No version: the status is ours alone, and the spec may change meanwhile.
  const target = { path: nodeEniPath(typeOf(object), object.name), uid: object.uid, resourceVersion: undefined };
  return patchObject(kube, target, { status: body }, signal, '/status');
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
