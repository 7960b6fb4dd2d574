import type { FloatingIpView, FloatingSnapshot, Placement, Unfit } from '../../model/floating-ip-plan.ts';
import { placeAddress } from './place.ts';

/** Whether this node may serve an object: where each of its addresses goes, or the first reason against. */
export type Fitness = { readonly places: readonly Placement[] } | { readonly unfit: Unfit };

/** True when the node has all labels that the object asks for. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/**
 * What an operator decides comes first, then what happens to the node, then what the address itself forbids.
 * Undefined: the node or its ENIs are not known yet, so nothing may be concluded.
 */
export function fitnessOf(view: FloatingIpView, snapshot: FloatingSnapshot): Fitness | undefined {
  const { ip, exists } = view;
  const { node } = snapshot;
  if (!exists) return unfit('Deleted', `FloatingIP ${ip.name} has been deleted`);
  if (node.labels === undefined) return undefined;
  if (!selects(ip.nodeSelector, node.labels))
    return unfit('NodeNotSelected', `spec.nodeSelector does not select ${node.name}`);
  const leaves = faultOfNode(snapshot);
  if (leaves) return { unfit: leaves };
  if (ip.faults.length > 0) return unfit('InvalidSpec', ip.faults.join('; '));
  if (view.unfit !== undefined && snapshot.now < view.unfit.until) return { unfit: view.unfit };
  if (snapshot.describedAt === undefined) return undefined;
  return placesOf(view, snapshot);
}

function faultOfNode({ node, leaving, now, timing }: FloatingSnapshot): Unfit | undefined {
  if (leaving !== undefined) return { reason: 'NodeLeaving', message: `${node.name} is about to end: ${leaving}` };
  if (node.cordoned) return { reason: 'NodeCordoned', message: `${node.name} is cordoned` };
  // `Unknown` is what remains of an API server outage for a moment, on every node at once: all would let go together.
  const lost = node.ready === 'False' || (node.ready === 'Unknown' && now >= node.readySince + timing.unknownNodeMs);
  return lost ? { reason: 'NodeNotReady', message: `${node.name} is not ready` } : undefined;
}

function placesOf(view: FloatingIpView, { enis, devices, podAddresses }: FloatingSnapshot): Fitness {
  const places: Placement[] = [];
  for (const host of view.ip.addresses) {
    const pod = podAddresses.get(host.address);
    if (pod !== undefined) return unfit('DuplicateAddress', `${host.address} is claimed by pod ${pod}`);
    const place = placeAddress(host, { enis, devices, wanted: view.ip.interface });
    if ('reason' in place) return { unfit: place };
    places.push(place);
  }
  return { places };
}

function unfit(reason: Unfit['reason'], message: string): Fitness {
  return { unfit: { reason, message } };
}
