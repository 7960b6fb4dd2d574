import type { DialectContext, EipRequests, ElasticIpClaim, PodDialect } from '../model/elastic-ips/claim.ts';
import type { Pod } from '../model/pod.ts';
import type { Refusal } from '../model/refusal.ts';
import { podDialects } from './index.ts';
import { invalidAnnotation } from './refuse.ts';
import { targetText } from './target.ts';

/**
 * All Elastic IPs that a pod asks for, in whatever dialect. No two claims have the same target: our own annotation goes before
 * a foreign one, which is refused. Never throws, whatever the pod's annotations hold.
 */
export function requestsOf(pod: Pod, context: DialectContext): EipRequests {
  const claims = new Map<string, { claim: ElasticIpClaim; dialect: PodDialect }>();
  const refusals: Refusal[] = [];
  for (const dialect of podDialects) {
    const requests = dialect.requests(pod, context);
    refusals.push(...requests.refusals);
    for (const claim of requests.claims) {
      const target = targetText(claim.target);
      const rival = claims.get(target)?.dialect;
      if (rival === undefined) claims.set(target, { claim, dialect });
      else refusals.push(clash(dialect, rival, claim));
    }
  }
  return { claims: [...claims.values()].map(({ claim }) => claim), refusals: refusals.filter(isFirst) };
}

function clash(refused: PodDialect, preferred: PodDialect, { target }: ElasticIpClaim): Refusal {
  const where = target.kind === 'primary' ? "the pod's primary address" : targetText(target);
  const fault = `${preferred.annotation} already asks for an Elastic IP on ${where} and takes precedence; remove one of the two`;
  return invalidAnnotation(refused.annotation, fault);
}

/** What two dialects refuse for the same reason (no cluster name) is said once. */
function isFirst(refusal: Refusal, index: number, all: readonly Refusal[]): boolean {
  return index === all.findIndex(({ reason, message }) => reason === refusal.reason && message === refusal.message);
}
