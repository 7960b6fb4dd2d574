import type { OwnerReads } from '../../lib/kube/owner-reads.ts';
import type { ResourceType } from '../../lib/model/eip-objects/eip-object.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { OwnerVerdict, SweepItem, SweepOwner, SweptKind } from '../../lib/model/sweep.ts';
import type { SweepAdapters } from '../../lib/plan/sweep/items.ts';
import { podVerdict } from '../../lib/plan/sweep/pod-verdict.ts';
import { askNodeEnis } from './node-eni-verdicts.ts';

type ObjectOwner = Extract<SweepOwner, { kind: 'object' }>;

/** `ENI` objects; those of EIPs are the dialects'. */
const ENI_TYPE = { group: 'aws.k8s.logmein.com', version: 'v1alpha1', plural: 'enis' } as const;
const FLOATING_IP_TYPE = { group: 'eni-agent.io', version: 'v1alpha1', plural: 'floatingips' } as const;

export interface VerdictParts {
  readonly reads: OwnerReads;
  readonly adapters: SweepAdapters;
  readonly onProblem: (message: string, error: unknown) => void;
}

/**
 * Asks the API server about the owners, each question once: a list of each kind of object that owns something, a GET for each pod that
 * a tag names, and, only when one of those pods is gone or asks for nothing, all pods and nodes. What cannot be asked stays unknown.
 */
export async function askOwners(items: readonly SweepItem[], parts: VerdictParts): Promise<Map<string, OwnerVerdict>> {
  const verdicts = new Map<string, OwnerVerdict>();
  for (const of of new Set(items.flatMap(({ owner }) => (owner.kind === 'object' ? [owner.of] : [])))) {
    if (of === 'node-enis') continue;
    const uids = await ask(() => parts.reads.uids(typeOf(of, parts.adapters)), `cannot list the ${of} objects`, parts);
    for (const { id, owner } of items) {
      if (owner.kind !== 'object' || owner.of !== of) continue;
      if (uids?.has(owner.uid)) verdicts.set(id, 'lives');
      else verdicts.set(id, uids !== undefined && (await wentAlone(owner, parts)) ? 'gone' : 'unknown');
    }
  }
  await askPods(items, parts, verdicts);
  const askAbout = <T>(question: () => Promise<T>, fault: string) => ask(question, fault, parts);
  for (const [id, verdict] of await askNodeEnis(items, { reads: parts.reads, ask: askAbout }))
    verdicts.set(id, verdict);
  return verdicts;
}

/**
 * True when the namespace and the definition of an object that is gone are there to stay. Whose finalizer was removed by hand while they
 * were being deleted did not mean to give up the address either.
 */
async function wentAlone({ of, namespace }: ObjectOwner, parts: VerdictParts): Promise<boolean> {
  const question = () => parts.reads.ending(namespace, typeOf(of, parts.adapters));
  return (await ask(question, `cannot tell why an object of ${of} is gone`, parts)) === 'object';
}

function typeOf(of: SweptKind, { objects }: SweepAdapters): Pick<ResourceType, 'group' | 'version' | 'plural'> {
  if (of === 'floating-ips') return FLOATING_IP_TYPE;
  return objects.find(({ name }) => name === of)?.resource ?? ENI_TYPE;
}

async function askPods(
  items: readonly SweepItem[],
  parts: VerdictParts,
  verdicts: Map<string, OwnerVerdict>,
): Promise<void> {
  const { reads, adapters } = parts;
  const owned = items.flatMap((item) =>
    item.kind === 'elastic-ip' && item.owner.kind === 'pod'
      ? [{ id: item.id, eip: item.eip, pod: item.owner.pod }]
      : [],
  );
  const owners = new Map<string, Pod | null | undefined>();
  for (const key of new Set(owned.map(({ pod }) => pod))) {
    const [namespace = '', name = ''] = key.split('/');
    owners.set(key, await ask(() => reads.pod(namespace, name), 'cannot read a pod that an Elastic IP names', parts));
  }
  const doubtful = owned.filter(({ id, eip, pod }) => {
    const owner = owners.get(pod);
    const own = owner === null || owner === undefined ? [] : [owner];
    const verdict = podVerdict(eip, { owner, nodes: undefined, pods: own }, adapters.pods, adapters.context);
    verdicts.set(id, verdict === 'lives' ? 'lives' : 'unknown');
    return verdict !== 'lives' && owner !== undefined;
  });
  if (doubtful.length === 0) return;
  const pods = await ask(() => reads.pods(), 'cannot list the pods', parts);
  const nodes = await ask(() => reads.nodeNames(), 'cannot list the nodes', parts);
  for (const { id, eip, pod } of doubtful) {
    verdicts.set(id, podVerdict(eip, { owner: owners.get(pod), nodes, pods }, adapters.pods, adapters.context));
  }
}

async function ask<T>(question: () => Promise<T>, fault: string, { onProblem }: VerdictParts): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    onProblem(`${fault}; what it may own is left alone`, error);
    return undefined;
  }
}
