import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { listAll } from '../../lib/kube/list.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { masterOf, pluginOf } from '../../lib/model/addresses/cni.ts';
import { ipamRangesOf } from '../../lib/model/addresses/ipam-range.ts';
import { promisedNetworks } from '../../lib/model/addresses/networks-annotation.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import { parseRoutedIps, ROUTE_TABLES, ROUTED_IPS } from '../../lib/model/routed-ips/declaration.ts';
import type { Answer, NetworkFound, RoutedFound } from '../../lib/plan/doctor/evidence.ts';
import { definitionsOf } from '../node/sources.ts';
import { asked } from './kube-questions.ts';

interface Definition {
  readonly metadata?: { readonly annotations?: Record<string, string> };
  readonly spec?: { readonly config?: unknown };
}

interface NodePods {
  readonly pods: readonly Pod[];
  /** By `namespace/name`, in this order; undefined: there is none of this name. */
  readonly definitions: ReadonlyMap<string, Definition | undefined>;
}

/**
 * The networks of this node's pods, and what pods and networks declare in `eni-agent.io/routed-ips`: one list of the pods, and each
 * definition read once.
 */
export async function askPods(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<{ readonly networks: Answer<readonly NetworkFound[]>; readonly declared: Answer<readonly RoutedFound[]> }> {
  const answer = await asked(() => readPods(client, nodeName, signal));
  if (answer.kind !== 'known') return { networks: answer, declared: answer };
  return {
    networks: { kind: 'known', value: networksOf(answer.value) },
    declared: { kind: 'known', value: declaredBy(answer.value) },
  };
}

async function readPods(client: KubeClient, nodeName: string, signal: AbortSignal): Promise<NodePods> {
  const query = { fieldSelector: `spec.nodeName=${nodeName}` };
  const options = { path: '/api/v1/pods', query, from: '0', signal, convert: podConverter() };
  const pods = (await listAll(client, options)).entries;
  // A pod whose master is missing waits for its sandbox and has no network status: what it asks for counts, too.
  const promised = pods.flatMap(({ annotations, namespace }) => promisedNetworks(annotations, namespace));
  const names = [...new Set([...pods.flatMap(definitionsOf), ...promised])].toSorted();
  const found = await Promise.all(
    names.map(async (name) => [name, await readDefinition(client, name, signal)] as const),
  );
  return { pods, definitions: new Map(found) };
}

/** Undefined: there is none of this name. */
async function readDefinition(client: KubeClient, name: string, signal: AbortSignal): Promise<Definition | undefined> {
  const [namespace = '', plain = ''] = name.split('/');
  const path = `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions/${plain}`;
  try {
    return await client.request<Definition>({ method: 'GET', path, signal });
  } catch (error) {
    if (isKubeError(error) && error.status === 404) return undefined;
    throw error;
  }
}

/** A definition that is gone and that no living pod asks for any more is left out. */
function networksOf({ pods, definitions }: NodePods): NetworkFound[] {
  return [...definitions].flatMap(([name, definition]): NetworkFound[] => {
    const config = definition?.spec?.config;
    const found = { name, master: masterOf(config), plugin: pluginOf(config), ranges: ipamRangesOf(config) };
    if (definition !== undefined) return [found];
    const asking = pods.find((pod) => isAlive(pod) && promisedNetworks(pod.annotations, pod.namespace).includes(name));
    return asking === undefined ? [] : [{ ...found, missingFor: `pod ${podKey(asking)}` }];
  });
}

/** Of pods that have ended nothing counts. */
function declaredBy({ pods, definitions }: NodePods): RoutedFound[] {
  const alive = pods.filter(isAlive);
  const networks = [...new Set(alive.flatMap(definitionsOf))].toSorted();
  const sources = [
    ...alive.map((pod) => ({ where: `pod ${podKey(pod)}`, annotations: pod.annotations })),
    ...networks.map((name) => ({
      where: `network ${name}`,
      annotations: definitions.get(name)?.metadata?.annotations ?? {},
    })),
  ];
  return sources.flatMap(({ where, annotations }): RoutedFound[] => {
    const { value } = parseRoutedIps(annotations[ROUTED_IPS], annotations[ROUTE_TABLES], where);
    return value === undefined ? [] : [{ where, ...value }];
  });
}
