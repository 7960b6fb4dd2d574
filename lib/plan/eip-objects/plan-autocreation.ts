import { type ObjectClaim, objectKey } from '../../model/eip-objects/eip-object.ts';
import type { ControllerPod, ControllerSnapshot, ObjectAdapter, ObjectStep } from '../../model/eip-objects/plan.ts';
import { isAlive } from '../../model/pod.ts';

/**
 * Objects that pods want for as long as they live. They are owned by their pod, so that the cluster's garbage collector deletes them
 * even if the pod goes while no controller runs; one without an owner (the replaced operator made such) gets it. Deleting the object
 * of a pod that ends is not left to the collector: that would wait until the pod is gone.
 */
export function planAutocreation(snapshot: ControllerSnapshot, adapter: ObjectAdapter): ObjectStep[] {
  if (!snapshot.claimsComplete) return [];
  const objects = new Map(
    snapshot.claims
      .filter(({ claim }) => claim.dialect === 'eip-operator')
      .map(({ claim }) => [objectKey(claim.object), claim]),
  );
  return [...snapshot.pods.values()]
    .filter((pod) => adapter.wantsObject(pod))
    .flatMap((pod) => planFor(pod, objects.get(objectKey(pod))));
}

function planFor(pod: ControllerPod, claim: ObjectClaim | undefined): ObjectStep[] {
  const lives = isAlive(pod) && !pod.terminating;
  if (claim === undefined) return lives ? [{ kind: 'create-eip', key: `create ${pod.uid}`, pod }] : [];
  const { owners, deleting, uid } = claim.object;
  if (deleting) return [];
  const owner = owners.find(({ kind }) => kind === 'Pod');
  const isOwn = owner === undefined ? owners.length === 0 : owner.uid === pod.uid;
  // Of a pod that had the name before: that one's EIP goes with it, this one gets its own.
  const isPredecessors = owner !== undefined && owner.uid !== pod.uid && owner.name === pod.name;
  const deletion = { kind: 'delete-eip', key: `delete ${uid}`, claim } as const;
  if (isPredecessors) return [{ ...deletion, namesake: pod }];
  if (isOwn && !lives) return [deletion];
  if (lives && owner === undefined && owners.length === 0)
    return [{ kind: 'write-object', key: uid, claim, patch: { metadata: { ownerReferences: [ownerReference(pod)] } } }];
  return [];
}

export function ownerReference({ name, uid }: Pick<ControllerPod, 'name' | 'uid'>): Readonly<Record<string, string>> {
  return { apiVersion: 'v1', kind: 'Pod', name, uid };
}
