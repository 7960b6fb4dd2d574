import type { FloatingIpView, FloatingSnapshot } from '../../model/floating-ips/plan.ts';

/**
 * Whose an object is, as far as this node can know it now.
 * `held`: ours, and nobody can have taken it. `uncertain`: ours as last seen, but others may have taken it since: goes on serving, asks EC2
 * for nothing, renews before anything else. `other`: somebody else's. `free`: nobody's, since `since`. `unknown`: never read.
 */
export type LeaseState =
  | { readonly state: 'held'; readonly until: number }
  | { readonly state: 'uncertain'; readonly since: number }
  | { readonly state: 'other'; readonly until: number }
  | { readonly state: 'free'; readonly since: number }
  | { readonly state: 'unknown' };

/**
 * A lease counts as held for as long after its last renewal was *sent* as others wait after they *saw* it, less a guard.
 * Everybody counts with a clock of their own, from an instant that they have seen themselves.
 */
export function leaseStateOf(
  view: FloatingIpView,
  {
    node,
    now,
    timing,
  }: Pick<FloatingSnapshot, 'now' | 'timing'> & { readonly node: Pick<FloatingSnapshot['node'], 'name'> },
): LeaseState {
  const { lease, renewedAt } = view;
  if (lease === undefined) return { state: 'unknown' };
  if (lease.holder === node.name) {
    const until = (renewedAt ?? Number.NEGATIVE_INFINITY) + timing.leaseMs - timing.guardMs;
    return now < until ? { state: 'held', until } : { state: 'uncertain', since: Math.max(until, lease.changedAt) };
  }
  if (lease.holder === '') return { state: 'free', since: lease.changedAt };
  const until = lease.changedAt + lease.durationMs;
  return now < until ? { state: 'other', until } : { state: 'free', since: until };
}

export function isOurs(leaseState: LeaseState): boolean {
  return leaseState.state === 'held' || leaseState.state === 'uncertain';
}
