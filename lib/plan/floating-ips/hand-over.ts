import type { FloatingIpView, FloatingSnapshot, Ineligible } from '../../model/floating-ips/plan.ts';
import { mayHaveElasticIp, owesElasticIp, unbind } from './elastic-ip-steps.ts';
import { isOurs, type LeaseState } from './lease-state.ts';
import { type FloatingContext, otherOwner } from './owners.ts';
import { due, forget, leaveInterface, type PartialPlan, renewal } from './partial-plan.ts';

/** How long the holder has for what a deleted object leaves behind, before another node sees to it, ms. */
const INHERIT_MS = 10_000;

/**
 * This node may not serve the object (any more). Stop before release: the address leaves the interface, then the Lease is given up, so
 * that the next holder never shares it. In EC2 it stays until the next holder moves it: a gap there would be darkness for nothing.
 */
export function handOver(
  view: FloatingIpView,
  leaseState: LeaseState,
  why: Ineligible,
  snapshot: FloatingContext,
): PartialPlan {
  const { ip, records } = view;
  // Without a record and a hold it was never ours: an address that somebody configured by hand is none of our business here.
  if (records.size === 0 && !isOurs(leaseState))
    return owesElasticIp(view, snapshot) ? inherit(view, snapshot) : { steps: [] };
  const leaving = leaveInterface(view, snapshot);
  if (leaving.length > 0) return { steps: leaving };
  // Another object has the address by now: whoever serves that one moves it.
  const passedOn = [...records.values()].filter(
    ({ address }) => otherOwner(address, ip, snapshot.owners) !== undefined,
  );
  if (passedOn.length > 0) return { steps: passedOn.map((record) => ({ kind: 'forget', name: ip.name, record })) };
  if (why.reason === 'Deleted') return giveBack(view, leaseState, why, snapshot);
  return isOurs(leaseState) ? release(view, why, snapshot) : { steps: [] };
}

/** Nobody takes over from a deleted object: its addresses go back to the subnet, and an Elastic IP made for it to its pool. */
function giveBack(
  view: FloatingIpView,
  leaseState: LeaseState,
  why: Ineligible,
  snapshot: FloatingContext,
): PartialPlan {
  // Somebody may have made the object again and taken it over meanwhile.
  if (leaseState.state === 'uncertain') return renewal(view, snapshot.now, snapshot.timing.renewMs);
  const addresses = giveAddressesBack(view, snapshot);
  if (addresses !== undefined) return addresses;
  if (mayHaveElasticIp(view)) return unbind(view, snapshot);
  return isOurs(leaseState) ? release(view, why, snapshot) : { steps: [] };
}

/**
 * What this node once took for an object that is gone leaves our ENI, whoever has its Lease now: another node may have made that again only
 * to see to the Elastic IP, and knows nothing of our addresses. Undefined when there is nothing.
 */
export function giveAddressesBack(
  view: FloatingIpView,
  { now, podAddresses }: FloatingContext,
): PartialPlan | undefined {
  const [record] = view.records.values();
  if (record === undefined) return undefined;
  if (podAddresses.has(record.address)) return { steps: forget(view) };
  // Its routes go by themselves, some time after nobody claims them.
  if (record.routed === true) return { steps: [{ kind: 'forget', name: view.ip.name, record }] };
  const until = view.backoffs.get(record.address)?.until ?? 0;
  return due(until, now, { kind: 'unassign', name: view.ip.name, record });
}

/**
 * The garbage collector deletes the Lease together with its object, before the holder has finished, and the holder may be gone. So whoever has
 * had the Elastic IP goes on without the Lease, and after some seconds one of the others takes it, by making the Lease again, and looks.
 */
function inherit(view: FloatingIpView, snapshot: FloatingContext): PartialPlan {
  if (view.elasticIp !== undefined) return unbind(view, snapshot);
  const { now, jitter } = snapshot;
  const at = (view.deletedAt ?? now) + INHERIT_MS * (1 + jitter / 2);
  return due(Math.max(at, view.leaseRetryAt), now, { kind: 'acquire', name: view.ip.name });
}

function release(view: FloatingIpView, why: Ineligible, { now }: FloatingSnapshot): PartialPlan {
  return due(view.leaseRetryAt, now, { kind: 'release', name: view.ip.name, why });
}
