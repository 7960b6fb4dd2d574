import type { FloatingIpView, FloatingSnapshot, Ineligible } from '../../model/floating-ips/plan.ts';
import { handOver } from './hand-over.ts';
import type { LeaseState } from './lease-state.ts';
import type { FloatingContext } from './owners.ts';
import { due, joined, type PartialPlan } from './partial-plan.ts';

/** Pause between two questions whether a ready node is there, ms. */
const ASK_MS = 5_000;
/** How much later than a ready node one that is not takes part in an election, ms: longer than any election of ready ones. */
export const LAST_RESORT_MS = 5_000;

/**
 * What the holder on a node that is not ready does: it hands over when another selected node is ready, and serves on (`service`) while there is
 * none or nobody can say. The agent lives and EC2 sends the packets here: nobody is served better by nobody.
 *
 * What it got while it was not ready it keeps until it is ready again: no ready node took it then, whatever its Node object says, so
 * handing over would only darken the address again and again. Cordoning the node moves it.
 */
export function yieldToReady(
  view: FloatingIpView,
  leaseState: LeaseState,
  why: Ineligible,
  snapshot: FloatingContext,
  service: PartialPlan,
): PartialPlan {
  const { node, now, stopping } = snapshot;
  // A node that shuts down is not ready, and then ends its agent.
  if (stopping) return handOver(view, leaseState, why, snapshot);
  if (view.heldSince >= node.readySince) return service;
  const known = knownSuccessor(view, snapshot);
  if (known?.exists === true) return handOver(view, leaseState, why, snapshot);
  const askAt = known === undefined ? now : known.askedAt + ASK_MS;
  return joined(service, due(askAt, now, { kind: 'find-successor', name: view.ip.name }));
}

/** An answer from before the node was last ready says nothing. */
function knownSuccessor({ successor }: FloatingIpView, { node }: FloatingSnapshot) {
  return successor !== undefined && successor.askedAt >= node.readySince ? successor : undefined;
}
