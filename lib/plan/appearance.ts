import { type Claim, claimKey } from '../model/claim.ts';
import type { IpAddress } from '../model/ip.ts';
import type { LedgerEntry } from '../model/ledger.ts';
import type { ClaimDraft } from './claims.ts';

/** Since when each current claim stands, and what the kernel said of it last. */
export type Appearances = ReadonlyMap<string, { readonly since: number; readonly seenSince: number | undefined }>;

/**
 * Dates each claim. The first sight of a claim counts as its appearance, unless the ledger remembers the same claim from before a
 * restart; after that, only an address that vanished and came back, or that the kernel saw deleted and added, has appeared anew.
 */
export function dateClaims(
  drafts: readonly ClaimDraft[],
  known: Appearances,
  ledger: ReadonlyMap<IpAddress, LedgerEntry>,
  now: number,
): { claims: Claim[]; appearances: Appearances } {
  const appearances = new Map<string, { since: number; seenSince: number | undefined }>();
  const claims = drafts.map(({ seenSince, ...draft }) => {
    const key = claimKey(draft);
    const before = known.get(key);
    const since = before ? sinceOf(before, seenSince) : (remembered(draft, ledger) ?? now);
    appearances.set(key, { since, seenSince: seenSince ?? before?.seenSince });
    return { ...draft, since };
  });
  return { claims, appearances };
}

function sinceOf(before: { since: number; seenSince: number | undefined }, seenSince: number | undefined): number {
  const readded = seenSince !== undefined && before.seenSince !== undefined && seenSince > before.seenSince;
  return readded ? Math.max(seenSince, before.since + 1) : before.since;
}

function remembered(draft: Omit<Claim, 'since'>, ledger: ReadonlyMap<IpAddress, LedgerEntry>): number | undefined {
  const entry = ledger.get(draft.address);
  const same = entry !== undefined && claimKey({ ...entry, holder: entry.holder }) === claimKey(draft);
  return same ? entry.claimedAt : undefined;
}
