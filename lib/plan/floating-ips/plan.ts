import type { FloatingIpView, FloatingPlan, FloatingSnapshot } from '../../model/floating-ips/plan.ts';
import { electionDelay, electionOrder } from './election.ts';
import { eligibilityOf } from './eligibility.ts';
import { giveAddressesBack, handOver } from './hand-over.ts';
import { isOurs, type LeaseState, leaseStateOf } from './lease-state.ts';
import { LAST_RESORT_MS, yieldToReady } from './not-ready.ts';
import { contextOf, type FloatingContext } from './owners.ts';
import { due, forget, joined, leaveInterface, type PartialPlan, renewal } from './partial-plan.ts';
import { serve } from './serve.ts';
import { reportNobodyServes } from './status.ts';

/**
 * Everything that this node has to do about node-level floating IPs, from one look at all it knows. Pure; the same snapshot gives the
 * same plan, and steps that have been done do not come again.
 *
 * Order, where it matters: an address leaves the interface before the Lease is given up (stop before release); it is EC2's before it is
 * put on the interface (claim before announce); EC2 is asked only under a hold that nobody else can have taken.
 */
export function planFloating(snapshot: FloatingSnapshot): FloatingPlan {
  let load = snapshot.items.filter((view) => isOurs(leaseStateOf(view, snapshot))).length;
  const context = contextOf(snapshot);
  const parts = electionOrder(snapshot.items, snapshot.node.name, ({ ip }) => ip.name).map((view) => {
    const part = planOne(view, load, context);
    if (part.competes === true) load += 1;
    return part;
  });
  const { steps, describe, retryAt } = joined(...parts);
  return { steps, describe, retryAt };
}

function planOne(view: FloatingIpView, load: number, snapshot: FloatingContext): PartialPlan {
  const { now, timing, stopping } = snapshot;
  const leaseState = leaseStateOf(view, snapshot);
  const fitness = eligibilityOf(view, snapshot);
  const unfit = fitness !== undefined && 'unfit' in fitness ? fitness.unfit : undefined;
  if (leaseState.state === 'unknown') {
    const concerned = unfit?.reason !== 'NodeNotSelected' || view.records.size > 0;
    return concerned ? due(view.leaseRetryAt, now, { kind: 'read', name: view.ip.name }) : { steps: [] };
  }
  if (leaseState.state === 'other') return yieldTo(view, leaseState.until, snapshot);
  if (unfit !== undefined) {
    const part = handOver(view, leaseState, unfit, snapshot);
    const next =
      part.steps.length > 0 || part.retryAt !== undefined
        ? part
        : reportNobodyServes(view, leaseState, unfit, snapshot);
    // A node that EC2 refused may be the only one left: it tries again by itself.
    const again = view.unfit !== undefined && view.unfit.until > now ? view.unfit.until : undefined;
    return joined(next, { steps: [], retryAt: again });
  }
  const fit = fitness !== undefined && 'places' in fitness ? fitness : undefined;
  if (stopping && fit?.notReady === undefined) return park(view, leaseState, snapshot);
  // Nothing is known against serving: a hold that we have is not let go for what we do not know yet.
  if (fit === undefined) return isOurs(leaseState) ? renewal(view, now, timing.renewMs) : { steps: [] };
  if (leaseState.state === 'free') {
    if (stopping) return { steps: [] };
    return compete(view, leaseState.since + (fit.notReady ? LAST_RESORT_MS : 0), load, snapshot);
  }
  const service = serve(view, leaseState, fit.places, snapshot);
  return fit.notReady ? yieldToReady(view, leaseState, fit.notReady, snapshot, service) : service;
}

/** First thing, whatever else is known: what is somebody else's leaves our interface. */
function yieldTo(view: FloatingIpView, until: number, snapshot: FloatingContext): PartialPlan {
  const leaving = leaveInterface(view, snapshot);
  const rest = view.deletedAt === undefined ? { steps: forget(view) } : giveAddressesBack(view, snapshot);
  return joined(leaving.length > 0 ? { steps: leaving } : (rest ?? { steps: [] }), { steps: [], retryAt: until });
}

/** The agent stops and will be back: others are asked to wait, and the address serves on without it. */
function park(view: FloatingIpView, leaseState: LeaseState, { now, timing }: FloatingSnapshot): PartialPlan {
  const parked = (view.lease?.durationMs ?? 0) >= timing.parkMs;
  return isOurs(leaseState) && !parked
    ? due(view.leaseRetryAt, now, { kind: 'park', name: view.ip.name })
    : { steps: [] };
}

/** How long the Lease of a deleted object waits for its collection before an object of the same name makes do with it, ms. */
const COLLECTION_MS = 3_000;

/**
 * The garbage collector takes the Lease of an earlier object of this name away at any moment: whoever had won it would lose it at once, and
 * the address would move for nothing. A new one is made as soon as it is gone.
 */
function collectionMs({ ip, lease }: FloatingIpView): number {
  return lease?.owner === undefined || lease.owner === ip.uid ? 0 : COLLECTION_MS;
}

function compete(view: FloatingIpView, since: number, load: number, snapshot: FloatingContext): PartialPlan {
  // A hold that ended: the address leaves the interface now, and comes back only if this node wins.
  const leaving = leaveInterface(view, snapshot);
  if (leaving.length > 0) return { steps: leaving, competes: true };
  const free = Math.max(since + collectionMs(view), snapshot.fitSince);
  const at = Math.max(free + electionDelay(view.ip, load, snapshot), view.leaseRetryAt);
  return { ...due(at, snapshot.now, { kind: 'acquire', name: view.ip.name }), competes: true };
}
