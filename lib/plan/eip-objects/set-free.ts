import type { EipObjectOutcome, ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import { objectKey } from '../../model/eip-objects/eip-object.ts';
import type { ControllerSnapshot, ObjectAdapter, ObjectDecision } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { NODE_TAG } from '../../model/elastic-ips/plan.ts';
import { isAlive } from '../../model/pod.ts';

/** How long a node's agent may take to let an EIP go before the controller ends the association itself, ms. */
export const AGENT_GRACE_MS = 10_000;

/** How often EC2 is asked meanwhile, ms. */
const POLL_MS = 700;

/**
 * The next thing to do to get an EIP off whatever has it; undefined when it is free and no agent has tagged it.
 *
 * Order: the handover annotations are taken away first (the plan for pods does that, because no handover is granted); a living pod's
 * agent lets the EIP go by itself; for pods that are gone, for agents that stay silent, and for EIPs that no agent ever had, the
 * controller does it. By association id always: should somebody have bound the EIP again meanwhile, nothing happens to that.
 */
export function setFree(
  claim: ObjectClaim,
  eip: ElasticIp,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision | undefined {
  const outcome: EipObjectOutcome = {
    state: claim.object.deleting && eip.association === undefined ? 'releasing' : 'unassigning',
    eip,
    bound: undefined,
    refusal: undefined,
  };
  const agentTags = [...adapter.handoverTags, NODE_TAG].filter((tag) => tag in eip.tags);
  const annotated = isAnnotated(eip, snapshot, adapter);
  if (eip.association === undefined && agentTags.length === 0 && !annotated) return undefined;
  if (annotated || agentMayAct(eip, snapshot, adapter)) {
    const since = snapshot.misplacedSince.get(eip.allocationId) ?? snapshot.now;
    const outdated = !annotated && (snapshot.eipsAt ?? 0) + POLL_MS <= snapshot.now;
    if (annotated || since + AGENT_GRACE_MS > snapshot.now)
      return { outcome, misplaced: true, readEips: outdated, retryAt: snapshot.now + POLL_MS };
  }
  const key = claim.object.uid;
  const { association } = eip;
  if (association !== undefined)
    return {
      outcome,
      misplaced: true,
      step: { kind: 'disassociate', key, claim, eip, associationId: association.associationId },
    };
  return { outcome, misplaced: true, step: { kind: 'untag', key, claim, eip, tags: agentTags } };
}

function isAnnotated(eip: ElasticIp, { pods }: ControllerSnapshot, adapter: ObjectAdapter): boolean {
  return [...pods.values()].some((pod) => adapter.handedOver(pod).includes(eip.allocationId));
}

/** The pod that the tags name lives, so its node's agent sees that the annotation is gone. */
function agentMayAct(eip: ElasticIp, { pods, podsKnown }: ControllerSnapshot, adapter: ObjectAdapter): boolean {
  const owner = adapter.podOf(eip.tags);
  if (owner === undefined) return false;
  if (!podsKnown) return true;
  const pod = [...pods.values()].find((candidate) => objectKey(candidate) === owner);
  return pod !== undefined && isAlive(pod) && pod.nodeName !== '';
}
