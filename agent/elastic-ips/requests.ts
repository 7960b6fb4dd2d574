import type { ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { ElasticIpAdapters } from './reconciler-options.ts';

export interface Requested {
  readonly pod: Pod;
  readonly claims: readonly ElasticIpClaim[];
}

/** What the living pods ask for, and what of it could not be understood, by pod key. */
export function requestsOfAll(
  pods: readonly Pod[],
  { requestsOf, context }: Pick<ElasticIpAdapters, 'requestsOf' | 'context'>,
): { requested: readonly Requested[]; refusals: ReadonlyMap<string, readonly Refusal[]> } {
  const refusals = new Map<string, readonly Refusal[]>();
  const requested = pods.filter(isAlive).map((pod) => {
    const said = requestsOf(pod, context);
    if (said.refusals.length > 0) refusals.set(podKey(pod), said.refusals);
    return { pod, claims: said.claims };
  });
  return { requested, refusals };
}
