import type { FloatingIpView, FloatingSnapshot, FloatingStep, Unfit } from '../../model/floating-ip-plan.ts';
import { due, forget, leaveInterface, renewal, type Share } from './share.ts';
import { isOurs, type Standing } from './standing.ts';

/**
 * This node may not serve the object (any more). Stop before release: the address leaves the interface, then the Lease is given up, so
 * that the next holder never shares it. In EC2 it stays until the next holder moves it: a gap there would be darkness for nothing.
 */
export function handOver(view: FloatingIpView, standing: Standing, why: Unfit, snapshot: FloatingSnapshot): Share {
  // Without a record and a hold it was never ours: an address that somebody configured by hand is none of our business here.
  if (view.records.size === 0 && !isOurs(standing)) return { steps: [] };
  const leaving = leaveInterface(view);
  if (leaving.length > 0) return { steps: leaving };
  if (why.reason === 'Deleted') return giveBack(view, standing, why, snapshot);
  return isOurs(standing) ? release(view, why, snapshot) : { steps: [] };
}

/** Nobody takes over from a deleted object: its addresses go back to the subnet, and an Elastic IP made for it to its pool. */
function giveBack(view: FloatingIpView, standing: Standing, why: Unfit, snapshot: FloatingSnapshot): Share {
  const { name, elasticIp } = view.ip;
  // Somebody may have made the object anew and taken it over meanwhile.
  if (standing.state === 'unsure') return renewal(view, snapshot.now, snapshot.timing.renewMs);
  const [record] = view.records.values();
  if (record !== undefined) {
    if (snapshot.podAddresses.has(record.address)) return { steps: forget(view) };
    const until = view.setbacks.get(record.address)?.until ?? 0;
    return due(until, snapshot.now, { kind: 'unassign', name, record });
  }
  const unbind: FloatingStep[] =
    elasticIp !== undefined && view.elasticIp !== undefined ? [{ kind: 'unbind', name, source: elasticIp }] : [];
  if (unbind.length > 0) return { steps: unbind };
  return isOurs(standing) ? release(view, why, snapshot) : { steps: [] };
}

function release(view: FloatingIpView, why: Unfit, { now }: FloatingSnapshot): Share {
  return due(view.leaseRetryAt, now, { kind: 'release', name: view.ip.name, why });
}
