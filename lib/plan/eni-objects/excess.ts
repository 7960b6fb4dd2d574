import type { EniObject } from '../../model/eni-objects/eni-object.ts';
import type { EniSnapshot, EniStep } from '../../model/eni-objects/plan.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import type { AddressPlan } from './addresses.ts';

/** How long EC2's describes may lag behind a call of somebody else, ms: an Elastic IP may have come to an address just now. */
const SETTLING_MS = 10_000;
/** How long a call whose answer was lost may take to act, and a node's agent to say what it assigned, ms. */
const LATE_MS = 60_000;

/** Addresses of an interface that should not be there, or when it will be known which they are. */
export type Excess =
  | { readonly state: 'none' }
  | { readonly state: 'step'; readonly step: EniStep }
  /** A describe from this time on says, ms since the epoch. */
  | { readonly state: 'unknown'; readonly dueAt: number };

/**
 * Which addresses go: those that the spec does not want any more, and those of a call that acted although its answer was lost. Only on a
 * describe that is younger than the change, and than the lost call, by as much as EC2's describes lag.
 */
export function planExcess(
  object: EniObject,
  own: NetworkInterface,
  plan: AddressPlan,
  { interfacesAt = 0, changedAt, lostAssigns, inUse }: EniSnapshot,
): Excess {
  const { assign, unassign } = plan;
  if (unassign.length > 0) {
    const dueAt = (changedAt.get(object.uid) ?? 0) + SETTLING_MS;
    if (interfacesAt < dueAt) return { state: 'unknown', dueAt };
    return { state: 'step', step: { kind: 'unassign', object, eni: own.id, addresses: unassign } };
  }
  const lost = lostAssigns.get(object.uid);
  // A gap is filled first, by what the lost call has brought if it did.
  if (lost === undefined || assign > 0) return { state: 'none' };
  const dueAt = lost.at + LATE_MS;
  if (interfacesAt < dueAt) return { state: 'unknown', dueAt };
  const brought = own.addresses.filter(
    ({ ip, association }) =>
      association === undefined && !lost.before.has(ip) && !plan.own.includes(ip) && !inUse.has(ip),
  );
  if (brought.length === 0) return { state: 'none' };
  const addresses = brought.slice(0, lost.count).map(({ ip }) => ip);
  return { state: 'step', step: { kind: 'unassign', object, eni: own.id, addresses } };
}
