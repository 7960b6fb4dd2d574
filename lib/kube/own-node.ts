import type { V1Node } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import type { Wire } from './wire.ts';

/** What an election needs of the node: who may select it, and whether it stays. */
export interface NodeState {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cordoned: boolean;
  readonly ready: 'True' | 'False' | 'Unknown';
}

type NodeReflectorOptions = Omit<ReflectorOptions<NodeState>, 'path' | 'convert' | 'query'> & {
  readonly client: KubeClient;
  readonly nodeName: string;
};

/** Watches one Node: its own. Heartbeats change the object's version now and then; the state stays equal. */
export function createOwnNodeReflector({ nodeName, ...options }: NodeReflectorOptions): Reflector<NodeState> {
  return createReflector<NodeState>({
    ...options,
    path: '/api/v1/nodes',
    query: { fieldSelector: `metadata.name=${nodeName}` },
    convert: (raw) => nodeStateOf(raw),
  });
}

/** A node that says nothing about its readiness counts as ready: it may be too young, or a stand-in. */
function nodeStateOf({ metadata, spec, status }: Wire<V1Node>): NodeState {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'True';
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    cordoned: spec?.unschedulable === true,
    ready: ready === 'False' || ready === 'Unknown' ? ready : 'True',
  };
}
