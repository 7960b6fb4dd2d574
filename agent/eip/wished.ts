import type { DialectContext, EipWishes, ElasticIpClaim } from '../../lib/model/eip-claim.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import type { Refusal } from '../../lib/model/refusal.ts';

export interface Wished {
  readonly pod: Pod;
  readonly claims: readonly ElasticIpClaim[];
}

/** What the living pods ask for, and what of it could not be understood, by pod key. */
export function wishesOfAll(
  pods: readonly Pod[],
  wishesOf: (pod: Pod, context: DialectContext) => EipWishes,
  context: DialectContext,
): { wished: readonly Wished[]; refusals: ReadonlyMap<string, readonly Refusal[]> } {
  const refusals = new Map<string, readonly Refusal[]>();
  const wished = pods.filter(isAlive).map((pod) => {
    const said = wishesOf(pod, context);
    if (said.refusals.length > 0) refusals.set(podKey(pod), said.refusals);
    return { pod, claims: said.claims };
  });
  return { wished, refusals };
}
