import { type ObjectClaim, objectKey } from '../../model/eip-objects/eip-object.ts';
import type {
  ControllerPlan,
  ControllerPod,
  ControllerSnapshot,
  ObjectAdapter,
  ObjectDecision,
  ObjectStep,
  SeenClaim,
} from '../../model/eip-objects/plan.ts';
import type { AllocationId } from '../../model/elastic-ips/elastic-ip.ts';
import { allot, decideObject } from './decide-object.ts';
import { findEips } from './find-eips.ts';
import { mergePatch } from './merge-patch.ts';
import { planAutocreation } from './plan-autocreation.ts';
import { writeNodes } from './write-nodes.ts';

export interface Decided extends ObjectDecision {
  readonly claim: ObjectClaim;
}

/**
 * The whole decision about EIP objects.
 *
 * Guarantees: pure; one step per key; allocates only for an object that carries our finalizer and has no EIP by tag and names none;
 * touches no EIP whose tags do not carry the object's uid, but for one that was left for an object of its name; releases only what
 * belongs to an object that was deleted by itself, or a surplus twin; hands an EIP to one pod at most. The order of objects does not matter.
 */
export function planObjects(snapshot: ControllerSnapshot, adapter: ObjectAdapter): ControllerPlan {
  const allotment = allot(snapshot, adapter);
  const decisions = snapshot.claims.map(
    (seen: SeenClaim): Decided => ({ ...decideObject(seen, allotment, snapshot, adapter), claim: seen.claim }),
  );
  const steps = [
    ...decisions.flatMap(({ step }) => step ?? []),
    ...decisions.flatMap((decided) => writeStatus(decided, adapter)),
    ...writePods(decisions, snapshot, adapter),
    ...writeNodes(decisions, snapshot, adapter),
    ...planAutocreation(snapshot, adapter),
  ];
  const times = decisions.flatMap(({ retryAt }) => retryAt ?? []);
  return {
    steps: firstPerKey(steps),
    verdicts: decisions.flatMap(({ claim, outcome }) => (outcome === undefined ? [] : [{ claim, outcome }])),
    misplaced: new Set(
      decisions.flatMap(({ misplaced, outcome }) => (misplaced && outcome?.eip ? [outcome.eip.allocationId] : [])),
    ),
    readEips: decisions.some(({ readEips }) => readEips === true),
    retryAt: times.length > 0 ? Math.min(...times) : undefined,
  };
}

function firstPerKey(steps: readonly ObjectStep[]): ObjectStep[] {
  return [...new Map(steps.toReversed().map((step) => [step.key, step])).values()].toReversed();
}

function writeStatus({ claim, outcome, keepsStatus }: Decided, adapter: ObjectAdapter): ObjectStep[] {
  if (outcome === undefined || keepsStatus || !claim.held) return [];
  const patch = mergePatch(claim.object.status, adapter.statusOf(claim, outcome));
  return patch === undefined
    ? []
    : [{ kind: 'write-status', key: `status ${claim.object.uid}`, claim, patch: { status: patch } }];
}

/** Each pod says which EIP its agent is to bind; what no object grants any more is taken off it. */
function writePods(decisions: readonly Decided[], snapshot: ControllerSnapshot, adapter: ObjectAdapter): ObjectStep[] {
  // While objects load, the absence of a grant means nothing.
  if (!snapshot.claimsComplete || snapshot.eipsAt === undefined) return [];
  const ours = new Set(decisions.flatMap(({ claim }) => handedOverBy(claim, snapshot)));
  const granted = new Map<string, AllocationId>();
  const shown = new Map<string, AllocationId>();
  const undecided = new Set<AllocationId>();
  for (const { claim, outcome, handOver } of decisions) {
    const id = outcome?.eip?.allocationId;
    if (id === undefined || handOver === 'as-it-is') {
      const known = findEips(claim, snapshot.eips).kept?.allocationId;
      if (known !== undefined) undecided.add(known);
      continue;
    }
    if (claim.assignment.kind !== 'pod') continue;
    const key = `${claim.object.namespace}/${claim.assignment.name}`;
    if (handOver === true) granted.set(key, id);
    if (claim.dialect === 'eip-operator' && outcome?.state === 'assigned') shown.set(key, id);
  }
  const isOurs = (id: AllocationId) => ours.has(id) && !undecided.has(id);
  return [...snapshot.pods.values()].flatMap((pod: ControllerPod): ObjectStep[] => {
    const key = objectKey(pod);
    const patch = adapter.writePod(pod, { handOver: granted.get(key), shown: shown.get(key), isOurs });
    return patch === undefined ? [] : [{ kind: 'write-pod', key: `pod ${pod.uid}`, pod, patch: { metadata: patch } }];
  });
}

/** An EIP that exists is an object's by its tags only; a name in a status says no more than what to take off pods once it is gone. */
function handedOverBy(claim: ObjectClaim, { eips }: ControllerSnapshot): AllocationId[] {
  const { kept, foreign } = findEips(claim, eips);
  const id = kept?.allocationId ?? (foreign === undefined ? claim.allocationId : undefined);
  return id === undefined ? [] : [id];
}
