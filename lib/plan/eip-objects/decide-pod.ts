import { type EipObjectOutcome, type ObjectClaim, objectKey } from '../../model/eip-objects/eip-object.ts';
import type { ControllerPod, ControllerSnapshot, ObjectAdapter, ObjectDecision } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { isAlive } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import { AGENT_GRACE_MS, setFree } from './set-free.ts';

/** How often EC2 is asked whether the pod's agent has bound the EIP, once it says so and while it does not, ms. */
const SOON_MS = 250;
const SAFETY_MS = 30_000;

/**
 * An EIP for a pod: it is handed to the pod's node agent by annotation as soon as nobody else has it, and moves with the pod's name
 * from node to node. What EC2 shows is what counts for the status; the pod's own report only says when to look.
 */
export function decideForPod(
  claim: ObjectClaim,
  eip: ElasticIp,
  rival: Refusal | undefined,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision {
  const assignment = claim.assignment.kind === 'pod' ? claim.assignment.name : '';
  const key = `${claim.object.namespace}/${assignment}`;
  const state = eip.association === undefined ? 'assigning' : 'reassigning';
  const waiting: EipObjectOutcome = { state, eip, bound: undefined, refusal: rival };
  if (!snapshot.podsKnown) return { outcome: undefined };
  const pod = snapshot.pods.get(key);
  if (pod === undefined || !isAlive(pod) || rival !== undefined)
    return withoutPod(claim, eip, key, waiting, snapshot, adapter);
  const bound = bindingAt(eip, pod);
  const owner = adapter.podOf(eip.tags);
  if (bound !== undefined && (owner === undefined || owner === key))
    return { outcome: { ...waiting, state: 'assigned', bound }, handOver: true };
  const strange = owner === undefined ? eip.association !== undefined : owner !== key;
  if (strange) {
    // Not known yet where the pod is: it may well be where the EIP is already.
    if (owner === undefined && pod.podIps.length === 0) return { outcome: waiting };
    const freeing = setFree(claim, eip, snapshot, adapter);
    if (freeing !== undefined) return { ...freeing, outcome: waiting };
  }
  const pollMs = adapter.saysBound(pod, eip) ? SOON_MS : SAFETY_MS;
  const readAt = Math.max(snapshot.eipsAt ?? 0, 0) + pollMs;
  return { outcome: waiting, handOver: true, readEips: readAt <= snapshot.now, retryAt: readAt };
}

/** The pod does not exist (any more): its EIP waits, bound to nothing. It may come back under its name in a moment. */
function withoutPod(
  claim: ObjectClaim,
  eip: ElasticIp,
  key: string,
  waiting: EipObjectOutcome,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision {
  if (eip.association === undefined && adapter.podOf(eip.tags) === key) return { outcome: waiting };
  const since = snapshot.misplacedSince.get(eip.allocationId) ?? snapshot.now;
  const mayReturn =
    waiting.refusal === undefined && adapter.podOf(eip.tags) === key && since + AGENT_GRACE_MS > snapshot.now;
  if (mayReturn) return { outcome: waiting, misplaced: true, retryAt: since + AGENT_GRACE_MS };
  const freeing = setFree(claim, eip, snapshot, adapter);
  return freeing === undefined ? { outcome: { ...waiting, state: 'assigning' } } : { ...freeing, outcome: waiting };
}

function bindingAt(eip: ElasticIp, pod: ControllerPod): EipObjectOutcome['bound'] {
  const { association } = eip;
  if (
    association?.eni === undefined ||
    association.privateIp === undefined ||
    !pod.podIps.includes(association.privateIp)
  )
    return undefined;
  const { eni, privateIp, associationId } = association;
  return { eni, privateIp, associationId, holder: pod.name, holderUid: pod.uid };
}

/**
 * Which of the claims for one pod counts: the one whose EIP is there already, else the first by name. The others get a refusal.
 * A private address has one Elastic IP, and k8s-eip-operator refused two objects for one pod as well.
 */
export function findRivals(
  snapshot: ControllerSnapshot,
  eipOf: (claim: ObjectClaim) => ElasticIp | undefined,
  adapter: ObjectAdapter,
): ReadonlyMap<string, Refusal> {
  const rivals = new Map<string, Refusal>();
  const wanting = snapshot.claims
    .map(({ claim }) => claim)
    .filter(({ object, assignment }) => !object.deleting && assignment.kind === 'pod');
  const byPod = Map.groupBy(
    wanting,
    ({ object, assignment }) => `${object.namespace}/${assignment.kind === 'pod' ? assignment.name : ''}`,
  );
  for (const [key, claims] of byPod) {
    if (claims.length < 2) continue;
    const pod = snapshot.pods.get(key);
    const holds = (claim: ObjectClaim) =>
      pod !== undefined && adapter.handedOver(pod).includes(eipOf(claim)?.allocationId ?? '');
    const [first] = claims.toSorted(
      (a, b) => Number(holds(b)) - Number(holds(a)) || (sortKey(a) < sortKey(b) ? -1 : 1),
    );
    for (const claim of claims) {
      if (first === undefined || claim === first) continue;
      const message = `${first.object.name} (${first.dialect}) already has pod ${key}, and its address can have one Elastic IP; delete one of the two objects`;
      rivals.set(claim.object.uid, { reason: 'TargetHasOtherEip', message });
    }
  }
  return rivals;
}

function sortKey({ dialect, object }: ObjectClaim): string {
  return `${objectKey(object)} ${dialect}`;
}
