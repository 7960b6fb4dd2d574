import { type Claim, claimKey } from '../model/claim.ts';
import type { IpAddress } from '../model/ip.ts';
import type { LedgerEntry } from '../model/ledger.ts';
import type { PodRef } from '../model/pod.ts';
import type { ClaimDraft } from './claims.ts';

/** Since when each current claim stands, and what the kernel said of it last. By claim key. */
export type Appearances = ReadonlyMap<string, Appearance>;

export interface Appearance {
  readonly since: number;
  readonly seenSince: number | undefined;
}

export interface DatingInput {
  readonly known: Appearances;
  readonly ledger: ReadonlyMap<IpAddress, LedgerEntry>;
  /** False while a source is loading or blind: a claim that is missing then has not vanished. */
  readonly complete: boolean;
  readonly now: number;
}

/**
 * Dates each claim. The first sight of a claim counts as its appearance, unless the ledger remembers the same claim from before a
 * restart; after that, only an address that vanished and came back, or that the kernel saw deleted and added, has appeared anew.
 */
export function dateClaims(
  drafts: readonly ClaimDraft[],
  { known, ledger, complete, now }: DatingInput,
): { claims: Claim[]; appearances: Appearances } {
  const appearances = new Map<string, Appearance>(complete ? [] : known);
  const claims = drafts.map(({ seenSince, ...draft }) => {
    const before = known.get(claimKey(draft)) ?? seenWithoutUid(draft, known, ledger);
    const since = before ? sinceOf(before, seenSince) : (remembered(draft, ledger) ?? now);
    appearances.set(claimKey(draft), { since, seenSince: seenSince ?? before?.seenSince });
    return { ...draft, since };
  });
  return { claims, appearances };
}

function sinceOf(before: Appearance, seenSince: number | undefined): number {
  const readded = seenSince !== undefined && before.seenSince !== undefined && seenSince > before.seenSince;
  return readded ? Math.max(seenSince, before.since + 1) : before.since;
}

/** The CNI cache of an older runtime names no uid: the claim is still the same when the API tells it. */
function seenWithoutUid(
  draft: Omit<ClaimDraft, 'seenSince'>,
  known: Appearances,
  ledger: ReadonlyMap<IpAddress, LedgerEntry>,
): Appearance | undefined {
  const { holder } = draft;
  const recorded = ledger.get(draft.address);
  // Unless the ledger knows better: then it is another pod of the same name.
  if (holder.uid === '' || (recorded !== undefined && !isSamePod(recorded.holder, holder))) return undefined;
  return known.get(claimKey({ ...draft, holder: { ...holder, uid: '' } }));
}

function remembered(
  draft: Omit<ClaimDraft, 'seenSince'>,
  ledger: ReadonlyMap<IpAddress, LedgerEntry>,
): number | undefined {
  const entry = ledger.get(draft.address);
  const same = entry !== undefined && entry.interface === draft.interface && isSamePod(entry.holder, draft.holder);
  return same ? entry.claimedAt : undefined;
}

function isSamePod(a: PodRef, b: PodRef): boolean {
  const uidsFit = a.uid === b.uid || a.uid === '' || b.uid === '';
  return uidsFit && a.namespace === b.namespace && a.name === b.name;
}
