import type { ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import type {
  ControllerSnapshot,
  ObjectAdapter,
  ObjectDecision,
  ObjectStep,
  SeenClaim,
} from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import { reclaimOf } from '../reclaim.ts';
import { findEips, mayConclude } from './find-eips.ts';
import { setFree } from './set-free.ts';
import { whileBackedOff } from './while-backed-off.ts';

/**
 * The end of an object. Deleted by itself: off its pod or place, released, and only then the finalizer goes, so that a crash in between
 * finds the object still there. Deleted with its namespace or definition: its EIPs stay as they are, marked for an object of the same
 * name, because a public address that was released is lost for good and nobody named it. The deletion policy outweighs both.
 */
export function decideDeletion(seen: SeenClaim, snapshot: ControllerSnapshot, adapter: ObjectAdapter): ObjectDecision {
  const { claim } = seen;
  if (!claim.held) return { outcome: undefined };
  if (snapshot.eipsAt === undefined) return { outcome: undefined, readEips: true };
  const { kept, surplus } = findEips(claim, snapshot.eips);
  const owned = [...(kept === undefined ? [] : [kept]), ...surplus];
  const [eip] = owned;
  const backedOff = whileBackedOff(claim, eip, snapshot);
  if (backedOff !== undefined) return backedOff;
  if (eip === undefined) return withoutEip(seen, snapshot, adapter);
  const reclaim = reclaimOf(claim.deletionPolicy, snapshot.endings.get(claim.object.uid));
  if (reclaim === 'unknown')
    return { outcome: undefined, step: { kind: 'ask-ending', key: `ending ${claim.object.uid}`, claim } };
  return reclaim === 'released'
    ? giveBack(claim, eip, snapshot, adapter)
    : { outcome: undefined, step: retain(claim, owned, reclaim.retained) ?? letGo(claim, adapter) };
}

/** What the object's name in a status has not made its own is not asked for here: only its tags count, and the object goes. */
function withoutEip(seen: SeenClaim, snapshot: ControllerSnapshot, adapter: ObjectAdapter): ObjectDecision {
  const { claim, eipsAfter } = seen;
  if (mayConclude(seen, snapshot)) return { outcome: undefined, step: letGo(claim, adapter) };
  const due = eipsAfter <= snapshot.now;
  return { outcome: undefined, readEips: due, retryAt: due ? undefined : eipsAfter };
}

function letGo(claim: ObjectClaim, adapter: ObjectAdapter): ObjectStep {
  const finalizers = claim.object.finalizers.filter((entry) => entry !== adapter.finalizerOf(claim));
  return { kind: 'write-object', key: claim.object.uid, claim, patch: { metadata: { finalizers } } };
}

/** The next tag to be written; undefined when all are there. Nothing else changes: what has the address keeps it. */
function retain(claim: ObjectClaim, owned: readonly ElasticIp[], why: string): ObjectStep | undefined {
  const retainedAs = claim.adoption[RETAINED_TAG] ?? '';
  const untagged = owned.find(({ tags }) => tags[RETAINED_TAG] !== retainedAs);
  if (untagged === undefined) return undefined;
  return { kind: 'tag', key: claim.object.uid, claim, eip: untagged, tags: claim.adoption, retained: why };
}

function giveBack(
  claim: ObjectClaim,
  eip: ElasticIp,
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectDecision {
  const freeing = setFree(claim, eip, snapshot, adapter);
  // Tags of an agent need not be removed from what is released.
  if (freeing !== undefined && freeing.step?.kind !== 'untag') return freeing;
  return {
    outcome: { state: 'releasing', eip, bound: undefined, refusal: undefined },
    step: { kind: 'release', key: claim.object.uid, claim, eip },
  };
}
