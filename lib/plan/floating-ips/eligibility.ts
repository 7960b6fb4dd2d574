import type { FloatingIpView, FloatingSnapshot, Ineligible, Placement } from '../../model/floating-ips/plan.ts';
import { type FloatingContext, otherOwner } from './owners.ts';
import { placeAddress } from './place.ts';
import { placeRouted } from './place-routed.ts';
import { selects } from './selects.ts';

/**
 * Whether this node may serve an object: where each of its addresses goes, or the first reason against. With `notReady` it may serve only
 * what no ready node serves: see `yieldToReady`.
 */
export type Eligibility =
  | { readonly places: readonly Placement[]; readonly notReady?: Ineligible }
  | { readonly unfit: Ineligible };

/**
 * What an operator decides comes first, then what happens to the node, then what the address itself forbids.
 * Undefined: the node or its ENIs are not known yet, so nothing may be concluded.
 */
export function eligibilityOf(view: FloatingIpView, snapshot: FloatingContext): Eligibility | undefined {
  const { ip, deletedAt } = view;
  const { node } = snapshot;
  if (deletedAt !== undefined) return unfit('Deleted', `FloatingIP ${ip.name} has been deleted`);
  if (node.labels === undefined) return undefined;
  if (!selects(ip.nodeSelector, node.labels))
    return unfit('NodeNotSelected', `spec.nodeSelector does not select ${node.name}`);
  const leaves = faultOfNode(snapshot);
  if (leaves) return { unfit: leaves };
  if (ip.faults.length > 0) return unfit('InvalidSpec', ip.faults.join('; '));
  const duplicate = duplicateOf(view, snapshot);
  if (duplicate) return { unfit: duplicate };
  if (view.unfit !== undefined && snapshot.now < view.unfit.until) return { unfit: view.unfit };
  if (snapshot.describedAt === undefined) return undefined;
  return placesOf(view, snapshot);
}

function faultOfNode({ node, leaving }: FloatingSnapshot): Ineligible | undefined {
  if (leaving !== undefined) return { reason: 'NodeLeaving', message: `${node.name} is about to end: ${leaving}` };
  return node.cordoned ? { reason: 'NodeCordoned', message: `${node.name} is cordoned` } : undefined;
}

function unreadinessOf({ node, now, timing }: FloatingSnapshot): Ineligible | undefined {
  // `Unknown` is what remains of an API server outage for a moment, on every node at once: all would let go together.
  const lost = node.ready === 'False' || (node.ready === 'Unknown' && now >= node.readySince + timing.unknownNodeMs);
  return lost ? { reason: 'NodeNotReady', message: `${node.name} is not ready` } : undefined;
}

/** Checked before everything that differs from node to node: then all nodes agree, and nobody serves half an object. */
function duplicateOf({ ip }: FloatingIpView, { owners }: FloatingContext): Ineligible | undefined {
  for (const { address } of ip.addresses) {
    const owner = otherOwner(address, ip, owners);
    if (owner !== undefined)
      return {
        reason: 'DuplicateAddress',
        message: `${address} belongs to FloatingIP ${owner.name}, which is older; remove it from one of the two`,
      };
  }
  return undefined;
}

function placesOf(view: FloatingIpView, snapshot: FloatingSnapshot): Eligibility {
  const { enis, devices, aliases = new Map(), podAddresses } = snapshot;
  const places: Placement[] = [];
  const place = view.ip.routeTables.length > 0 ? placeRouted : placeAddress;
  for (const host of view.ip.addresses) {
    const pod = podAddresses.get(host.address);
    if (pod !== undefined) return unfit('DuplicateAddress', `${host.address} is claimed by pod ${pod}`);
    const placed = place(host, { enis, devices, aliases, wanted: view.ip.interface });
    if ('reason' in placed) return { unfit: placed };
    places.push(placed);
  }
  const notReady = unreadinessOf(snapshot);
  return { places, ...(notReady && { notReady }) };
}

function unfit(reason: Ineligible['reason'], message: string): Eligibility {
  return { unfit: { reason, message } };
}
