import type { AddressRecord, FloatingIpView, FloatingStep, Hold, LeaseView } from '../../model/floating-ips/plan.ts';
import { type FloatingContext, otherOwner } from './owners.ts';

/** What the plan of one object, or of a part of it, says. */
export interface PartialPlan {
  readonly steps: readonly FloatingStep[];
  readonly retryAt?: number | undefined;
  readonly describe?: string | undefined;
  /** This node takes part in the election of the object. */
  readonly competes?: boolean;
}

export function joined(...parts: readonly PartialPlan[]): PartialPlan {
  const times = parts.map(({ retryAt }) => retryAt).filter((time) => time !== undefined);
  return {
    steps: parts.flatMap(({ steps }) => steps),
    describe: parts.find(({ describe }) => describe !== undefined)?.describe,
    retryAt: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** The step when its time has come, else the time. */
export function due(at: number, now: number, step: FloatingStep): PartialPlan {
  return now >= at ? { steps: [step] } : { steps: [], retryAt: at };
}

/** The next renewal of the Lease, or the time of it. */
export function renewal(view: FloatingIpView, now: number, renewMs: number): PartialPlan {
  const at = Math.max((view.renewedAt ?? Number.NEGATIVE_INFINITY) + renewMs, view.leaseRetryAt);
  return due(at, now, { kind: 'renew', name: view.ip.name });
}

/** Takes every address of the object off the interfaces of this node, unless it is there for another object that this node serves. */
export function leaveInterface(
  { ip, configured }: FloatingIpView,
  { owners, servedHere }: FloatingContext,
): FloatingStep[] {
  return configured
    .filter(({ address }) => otherOwner(address, ip, owners) === undefined || !servedHere.has(address))
    .map((place) => ({ kind: 'remove', name: ip.name, place }));
}

export function forget(view: FloatingIpView): FloatingStep[] {
  return [...view.records.values()].map((record) => ({ kind: 'forget', name: view.ip.name, record }));
}

/** What a record that is made now is about. */
export function holdOf(lease: LeaseView | undefined): Hold {
  const { acquisition = 0, uid } = lease ?? {};
  return { acquisition, ...(uid !== undefined && { lease: uid }) };
}

/**
 * Whether a record is about this acquisition of this Lease. A Lease that was made again, with its object or by hand, gives the same numbers once
 * more: what an agent noted that was away meanwhile says nothing about it. Records of earlier versions do not name their Lease.
 */
export function isOfHold(
  record: AddressRecord | undefined,
  { acquisition, lease = record?.lease }: Hold,
): record is AddressRecord {
  return record?.acquisition === acquisition && (record.lease ?? lease) === lease;
}

/** EC2 gave us the address in this acquisition and has not taken it away since. */
export function isServed(record: AddressRecord | undefined, hold: Hold): boolean {
  return isOfHold(record, hold) && record.state === 'taken';
}
