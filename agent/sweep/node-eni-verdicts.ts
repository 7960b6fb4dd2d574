import { MULTI_ENI_TYPE, NODE_ENI_TYPE } from '../../lib/kube/node-enis.ts';
import type { OwnerReads } from '../../lib/kube/owner-reads.ts';
import type { OwnerVerdict, SweepItem } from '../../lib/model/sweep.ts';
import { type KindFound, nodeEniVerdict } from '../../lib/plan/sweep/node-eni-verdict.ts';

export interface NodeEniVerdictParts {
  readonly reads: OwnerReads;
  /** Asks a question; undefined when it has no answer, which is reported. */
  readonly ask: <T>(question: () => Promise<T>, fault: string) => Promise<T | undefined>;
}

/** Of the items those that NodeENIs own, as the objects of both kinds and the pods of their nodes say. */
export async function askNodeEnis(
  items: readonly SweepItem[],
  { reads, ask }: NodeEniVerdictParts,
): Promise<ReadonlyMap<string, OwnerVerdict>> {
  const owned = items.flatMap(({ owner, ...item }) =>
    item.kind === 'interface' && owner.kind === 'object' && owner.of === 'node-enis' ? [item] : [],
  );
  if (owned.length === 0) return new Map();
  const own = await uidsOf(NODE_ENI_TYPE, { reads, ask });
  const legacy = await uidsOf(MULTI_ENI_TYPE, { reads, ask });
  const unused = { own, legacy, pods: undefined };
  const orphans = owned.filter(({ facts }) => nodeEniVerdict({ ...facts, attachment: undefined }, unused) === 'gone');
  const instances = new Set(orphans.flatMap(({ facts }) => facts.attachment?.instanceId ?? []));
  // Pods are asked for only where an object is gone.
  const users =
    instances.size > 0
      ? await ask(() => reads.interfaceUsers(instances), 'cannot read the pods of the nodes')
      : undefined;
  const verdicts = new Map<string, OwnerVerdict>();
  for (const { id, facts } of owned)
    verdicts.set(id, nodeEniVerdict(facts, { own, legacy, pods: users?.get(facts.attachment?.instanceId ?? '') }));
  return verdicts;
}

/** The definition is looked at before and after the list: one that goes takes its objects with it, which gave up nothing. */
async function uidsOf(
  type: typeof NODE_ENI_TYPE | typeof MULTI_ENI_TYPE,
  { reads, ask }: NodeEniVerdictParts,
): Promise<KindFound> {
  const ending = () => ask(() => reads.ending('', type), `cannot read the definition ${type.plural}.${type.group}`);
  const before = await ending();
  if (before === undefined) return undefined;
  if (before !== 'object') return 'unserved';
  const uids = await ask(() => reads.uids(type), `cannot list ${type.plural}.${type.group}`);
  return (await ending()) === 'object' ? uids : undefined;
}
