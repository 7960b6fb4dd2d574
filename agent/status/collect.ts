import { EIP_OBJECT_TYPES, eipObjectFact } from '../../lib/dialect/eip-object-view.ts';
import { fromMultiEniController } from '../../lib/dialect/multi-eni-controller.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { collectionPath, toCustomObject } from '../../lib/kube/custom-resources.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { listAll } from '../../lib/kube/list.ts';
import { MULTI_ENI_TYPE, NODE_ENI_TYPE, toNodeEniSource } from '../../lib/kube/node-enis.ts';
import type { RawObject } from '../../lib/kube/object-store.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { OUR_PODS, toAgentPodFact, toEventFact, toNodeFact } from '../../lib/kube/status-views.ts';
import { toEniObject } from '../../lib/model/eni-objects/read.ts';
import { floatingIpOf } from '../../lib/model/floating-ips/floating-ip.ts';
import { toNodeEni } from '../../lib/model/node-enis/read.ts';
import type { ClusterFacts, SnapshotAnswer, StatusScope } from '../../lib/model/status/cluster-facts.ts';
import { concernsAddresses } from '../../lib/plan/status/pods.ts';
import { readForbidden } from './rights.ts';
import { readSnapshots } from './snapshots.ts';

export interface CollectOptions {
  readonly client: KubeClient;
  readonly server: string;
  readonly scope: StatusScope;
  /** Whether the agents are asked, too; else only Kubernetes objects are read. */
  readonly snapshots: boolean;
  readonly now: () => number;
}

const ENI_TYPE = { group: 'aws.k8s.logmein.com', version: 'v1alpha1', plural: 'enis' } as const;

/** Components by which our processes sign their Events. */
const SOURCES = ['eni-agent', 'eni-agent-controller'];

/**
 * Reads everything that a status rests on, from the API server's cache. What may not be read, or is not installed, is left out and
 * named among the gaps.
 * @throws {KubeError} when the API server does not answer, or does not even show nodes and pods.
 */
export async function collectFacts(options: CollectOptions, signal: AbortSignal): Promise<ClusterFacts> {
  const { scope, now, server, client } = options;
  const gaps: string[] = [];
  const lists = new Lists(client, signal, gaps);
  const [nodes, pods, agents, floatingIps, nodeEnis, eipObjects, eniObjects, events] = await Promise.all([
    lists.all(
      '/api/v1/nodes',
      toNodeFact,
      scope.node === undefined ? {} : { fieldSelector: `metadata.name=${scope.node}` },
    ),
    readPods(lists, scope),
    lists.all('/api/v1/pods', toAgentPodFact, { labelSelector: OUR_PODS }),
    lists.optional('FloatingIPs', '/apis/eni-agent.io/v1alpha1/floatingips', floatingIpOf),
    readNodeEnis(lists),
    readEipObjects(lists, scope),
    lists.scoped('ENI objects', ENI_TYPE, scope, (raw) => toEniObject(toCustomObject(raw))),
    readEvents(lists),
  ]);
  const ours = agents.filter(
    ({ role, node }) => role === 'controller' || scope.node === undefined || node === scope.node,
  );
  const [snapshots, forbidden] = await Promise.all([
    options.snapshots ? readSnapshots(client, ours, signal) : new Map<string, SnapshotAnswer>(),
    readForbidden(client, ours, signal),
  ]);
  return {
    at: now(),
    server,
    scope,
    nodes,
    pods,
    agents: ours,
    floatingIps: floatingIps.flatMap((object) => object ?? []),
    nodeEnis,
    eipObjects,
    eniObjects,
    events,
    snapshots,
    forbidden,
    gaps: [...gaps, ...silentAgents(snapshots)],
  };
}

/** One sentence however many do not answer: mostly one right or one network policy is missing. */
function silentAgents(snapshots: ReadonlyMap<string, SnapshotAnswer>): string[] {
  const faults = [...snapshots].flatMap(([name, answer]) => ('fault' in answer ? [{ name, fault: answer.fault }] : []));
  const [first] = faults;
  if (first === undefined) return [];
  return [
    `${faults.length} of ${snapshots.size} agents gave no snapshot, so limits of ENIs may be missing; ${first.name}: ${first.fault}`,
  ];
}

async function readPods(lists: Lists, scope: StatusScope) {
  const query = {
    ...(scope.selector !== undefined && { labelSelector: scope.selector }),
    ...(scope.node !== undefined && { fieldSelector: `spec.nodeName=${scope.node}` }),
  };
  const paths =
    scope.namespaces.length === 0
      ? ['/api/v1/pods']
      : scope.namespaces.map((name) => `/api/v1/namespaces/${name}/pods`);
  const convert = podConverter();
  const pods = await Promise.all(paths.map((path) => lists.all(path, convert, query)));
  return pods.flat().filter(concernsAddresses);
}

async function readNodeEnis(lists: Lists) {
  const read = (type: Type, convert: typeof toNodeEni) =>
    lists.optional('NodeENIs', collectionPath(type, undefined), (raw) => convert(toNodeEniSource(raw)));
  const found = [read(NODE_ENI_TYPE, toNodeEni), read(MULTI_ENI_TYPE, fromMultiEniController)];
  return (await Promise.all(found)).flat();
}

async function readEipObjects(lists: Lists, scope: StatusScope) {
  const read = await Promise.all(
    EIP_OBJECT_TYPES.map((type) =>
      lists.scoped(`${type.kind} objects`, type, scope, (raw) => eipObjectFact(type.kind, toCustomObject(raw))),
    ),
  );
  return read.flat();
}

async function readEvents(lists: Lists) {
  const read = SOURCES.map((source) =>
    lists.optional('Events', '/api/v1/events', toEventFact, { fieldSelector: `source=${source}` }),
  );
  return (await Promise.all(read)).flat();
}

type Query = Readonly<Record<string, string>>;
type Type = Parameters<typeof collectionPath>[0];

class Lists {
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  readonly #gaps: string[];

  constructor(client: KubeClient, signal: AbortSignal, gaps: string[]) {
    this.#client = client;
    this.#signal = signal;
    this.#gaps = gaps;
  }

  async all<T>(path: string, convert: (raw: RawObject) => T, query: Query = {}): Promise<T[]> {
    // From the server's cache: a look at a large cluster must not cost a scan of etcd.
    const options = { path, query, from: '0', signal: this.#signal, convert };
    return (await listAll(this.#client, options)).entries;
  }

  /** Empty when the resource is not installed, and when it may not be read: then a gap is noted. */
  async optional<T>(what: string, path: string, convert: (raw: RawObject) => T, query: Query = {}): Promise<T[]> {
    try {
      return await this.all(path, convert, query);
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.status !== 404) this.#note(`${what} could not be read: ${error.message}`);
      return [];
    }
  }

  async scoped<T>(what: string, type: Type, { namespaces }: StatusScope, convert: (raw: RawObject) => T): Promise<T[]> {
    const places = namespaces.length === 0 ? [undefined] : namespaces;
    return (await Promise.all(places.map((name) => this.optional(what, collectionPath(type, name), convert)))).flat();
  }

  #note(gap: string): void {
    if (!this.#gaps.includes(gap)) this.#gaps.push(gap);
  }
}
