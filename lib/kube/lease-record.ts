import type { V1Lease } from '@kubernetes/client-node';
import type { Wire } from './wire.ts';

/** As an election reads and writes it. */
export type Lease = Wire<V1Lease>;
export type LeaseSpec = NonNullable<Lease['spec']>;

/** The record that makes `identity` the holder, or renews its hold. A change of holder counts as a transition. */
export function claimSpec(
  current: LeaseSpec | undefined,
  identity: string,
  leaseDurationMs: number,
  now: number,
): LeaseSpec {
  const mine = current?.holderIdentity === identity;
  const transitions = current?.leaseTransitions ?? 0;
  return {
    ...current,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    acquireTime: (mine && current.acquireTime) || microTime(now),
    renewTime: microTime(now),
    leaseTransitions: mine || current === undefined ? transitions : transitions + 1,
  };
}

/** The record that gives the lease up: no holder and one second, so that the next candidate need not wait (as client-go does). */
export function releaseSpec(current: LeaseSpec, now: number): LeaseSpec {
  return {
    ...current,
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: microTime(now),
    renewTime: microTime(now),
  };
}

/** RFC 3339 with six digits: `metav1.MicroTime` refuses any other number of them. */
function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}

export function sameSpec(a: LeaseSpec | undefined, b: LeaseSpec | undefined): boolean {
  return (
    a?.holderIdentity === b?.holderIdentity &&
    a?.renewTime === b?.renewTime &&
    a?.acquireTime === b?.acquireTime &&
    a?.leaseTransitions === b?.leaseTransitions &&
    a?.leaseDurationSeconds === b?.leaseDurationSeconds
  );
}
