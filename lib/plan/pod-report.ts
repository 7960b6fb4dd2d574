import { claimKey } from '../model/claim.ts';
import { compareIp, type IpAddress } from '../model/ip.ts';
import type { ClaimStatus } from '../model/plan.ts';
import type { Pod, PodCondition, PodRef } from '../model/pod.ts';
import type { Reason, Refusal } from '../model/refusal.ts';

/** Annotation, out: where each address of the pod stands. */
export const ADDRESSES = 'eni-agent.io/addresses';

/** Condition, out: True while every address of the pod is where it should be. Usable as a readiness gate. */
export const ADDRESSES_ASSIGNED = 'eni-agent.io/AddressesAssigned';

/** One element of the `eni-agent.io/addresses` annotation. */
export interface ReportedAddress {
  readonly address: IpAddress;
  readonly interface: string;
  readonly eni?: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly reason?: Reason;
  readonly message?: string;
  readonly eip?: IpAddress;
}

/** What a pod's owner should be able to read on it. */
export interface PodReport {
  readonly ref: PodRef;
  readonly annotation: string;
  readonly condition: PodCondition;
  readonly addresses: readonly ReportedAddress[];
}

/**
 * What to write on one pod. The text is stable: the same state in any order of input gives the same annotation, so nothing is
 * written when nothing changed.
 */
export function reportPod(ref: PodRef, statuses: readonly ClaimStatus[], inputFaults: readonly Refusal[]): PodReport {
  const addresses = statuses
    .toSorted((a, b) => compareIp(a.claim.address, b.claim.address) || (claimKey(a.claim) < claimKey(b.claim) ? -1 : 1))
    .map(toReported);
  const annotation = JSON.stringify(addresses.map(({ message: _, ...short }) => short));
  return { ref, addresses, annotation, condition: conditionOf(addresses, inputFaults) };
}

/** What of a report differs from what the pod already says; undefined when nothing does. */
export function changesTo(
  pod: Pod,
  report: PodReport,
): { annotations?: Record<string, string>; condition?: PodCondition } | undefined {
  const current = pod.conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
  const { condition, annotation } = report;
  const sameCondition =
    current?.status === condition.status &&
    current.reason === condition.reason &&
    current.message === condition.message;
  const sameAnnotation = pod.annotations[ADDRESSES] === annotation;
  if (sameCondition && sameAnnotation) return undefined;
  return { ...(!sameAnnotation && { annotations: { [ADDRESSES]: annotation } }), ...(!sameCondition && { condition }) };
}

function toReported({ claim, state, eni, refusal }: ClaimStatus): ReportedAddress {
  return {
    address: claim.address,
    interface: claim.interface,
    ...(eni !== undefined && { eni }),
    state,
    ...(refusal && { reason: refusal.reason, message: refusal.message }),
  };
}

function conditionOf(addresses: readonly ReportedAddress[], inputFaults: readonly Refusal[]): PodCondition {
  const refused = addresses.find(({ state }) => state === 'refused');
  const pending = addresses.filter(({ state }) => state === 'pending');
  const [fault] = inputFaults;
  const say = (status: 'True' | 'False', reason: string, message: string) =>
    ({ type: ADDRESSES_ASSIGNED, status, reason, message }) satisfies PodCondition;
  if (refused)
    return say('False', refused.reason ?? 'RejectedByEc2', refused.message ?? `${refused.address} is refused`);
  if (fault) return say('False', fault.reason, fault.message);
  if (pending.length > 0) {
    const [first] = pending;
    const list = pending.map(({ address }) => address).join(', ');
    return say('False', first?.reason ?? 'Pending', first?.message ?? `${list} not yet on its ENI`);
  }
  const list = addresses.map(({ address, eni }) => `${address} on ${eni}`).join(', ');
  return say('True', 'Assigned', addresses.length > 0 ? list : 'no address needs an ENI');
}
