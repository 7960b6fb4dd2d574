import type { ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import type { ObjectStep } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { RETAINED_TAG } from '../../model/retention.ts';

/** The next call that brings an EIP's tags to what its object says: what is missing or different first, then what is too much. */
export function reconcileTags(claim: ObjectClaim, eip: ElasticIp): ObjectStep | undefined {
  const key = claim.object.uid;
  const missing = Object.entries(claim.tags).filter(([tag, value]) => eip.tags[tag] !== value);
  if (missing.length > 0) return { kind: 'tag', key, claim, eip, tags: Object.fromEntries(missing) };
  // It has its object again.
  if (RETAINED_TAG in eip.tags) return { kind: 'untag', key, claim, eip, tags: [RETAINED_TAG] };
  const kept = claim.prunesTagsBut;
  if (kept === undefined) return undefined;
  const surplus = Object.keys(eip.tags).filter(
    (tag) => !(tag in claim.tags) && !kept.some((prefix) => tag.startsWith(prefix)),
  );
  return surplus.length === 0 ? undefined : { kind: 'untag', key, claim, eip, tags: surplus };
}
