import { type Claim, claimKey } from '../../model/addresses/claim.ts';
import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { PodRef } from '../../model/pod.ts';
import type { ClaimDraft } from './claims.ts';

/** Since when each current claim stands, and what the kernel said of it last. By claim key. */
export type Appearances = ReadonlyMap<string, Appearance>;

export interface Appearance {
  readonly address: IpAddress;
  readonly since: number;
  readonly seenSince: number | undefined;
  /** It was there when the agent started, and the ledger does not know it. */
  readonly foundAtStart: boolean;
  /** The claim ended before our eyes, and the ledger still knows the address: if it comes back it has appeared again. */
  readonly vanished: boolean;
  /** What this address has spent on coming back, as the time at which all of it is earned back; see `CREDIT_MS`. */
  readonly spentUntil: number;
  /** When the current appearance may be acted upon. */
  readonly calmAt: number;
}

/**
 * EC2's rate of calls belongs to the whole account, and each new appearance of an address is worth a call. So each costs 5 s of
 * credit, of which an address has 25 s: failing over and back is served at once, flapping at most once in 5 s.
 */
const COST_MS = 5_000;
const CREDIT_MS = 25_000;

/** The CNI result, or the kernel's word, comes before network-status (FACTS §12); our reading of it may come later, ms. */
const CONFIRMATION_MS = 10_000;

export interface DatingInput {
  readonly known: Appearances;
  readonly ledger: ReadonlyMap<IpAddress, LedgerEntry>;
  /** False until all sources have been complete once: what is seen before that was in place when the agent started. */
  readonly settled: boolean;
  /** False when the ledger's memory is lost or outdated: that it does not know an address then proves nothing. */
  readonly trusted: boolean;
  /** False while a source is loading: a claim that is missing then has not vanished. */
  readonly complete: boolean;
  readonly now: number;
}

/**
 * Dates each claim. The first sight of a claim counts as its appearance, unless the ledger remembers the same claim from before a
 * restart; after that, only an address that vanished and came back, or that the kernel saw deleted and added, has appeared again.
 */
export function dateClaims(
  drafts: readonly ClaimDraft[],
  { known, ledger, complete, now, settled, trusted }: DatingInput,
): { claims: Claim[]; appearances: Appearances } {
  const appearances = new Map<string, Appearance>(complete ? vanishedOf(known, ledger, now) : known);
  const claims = drafts.map(({ seenSince, ...draft }) => {
    const before = known.get(claimKey(draft)) ?? seenWithoutUid(draft, known, ledger);
    const recalled = remembered(draft, ledger);
    const since = before ? sinceOf(before, seenSince, now) : (recalled ?? now);
    const { address } = draft;
    const foundAtStart = before ? before.foundAtStart && since === before.since : recalled === undefined && !settled;
    // What IPAM has given away while we were not looking, it has given to this pod alone.
    const inPlace = foundAtStart && (draft.kind !== 'ipam' || !trusted);
    const pace = paceOf(before, since, now);
    appearances.set(claimKey(draft), {
      address,
      since,
      seenSince: seenSince ?? before?.seenSince,
      foundAtStart,
      vanished: false,
      ...pace,
    });
    return {
      ...draft,
      since,
      ...(inPlace && { inPlace }),
      ...(draft.unconfirmed && { provisionalUntil: since + CONFIRMATION_MS }),
      ...(pace.calmAt > now && { calmAt: pace.calmAt }),
    };
  });
  return { claims, appearances };
}

function paceOf(before: Appearance | undefined, since: number, now: number): Pick<Appearance, 'spentUntil' | 'calmAt'> {
  // The first appearance of a pod's address is free: only what came back has to be paid for.
  if (before === undefined) return { spentUntil: now, calmAt: now };
  const { spentUntil, calmAt } = before;
  // An appearance that nobody has acted upon yet costs nothing.
  if (since === before.since || calmAt > now) return { spentUntil, calmAt };
  const spent = Math.max(spentUntil, now) + COST_MS;
  return { spentUntil: spent, calmAt: Math.max(now, spent - CREDIT_MS) };
}

/**
 * Counts all claims as vanished; those that are still there are entered again. Without the ledger's memory, or credit that was
 * spent, there is nothing to remember.
 */
function vanishedOf(known: Appearances, ledger: DatingInput['ledger'], now: number): [string, Appearance][] {
  return Array.from(known).flatMap(([key, appearance]) =>
    ledger.has(appearance.address) || appearance.spentUntil > now - COST_MS
      ? [[key, { ...appearance, vanished: true }] satisfies [string, Appearance]]
      : [],
  );
}

function sinceOf(before: Appearance, seenSince: number | undefined, now: number): number {
  if (before.vanished) return Math.max(now, before.since + 1);
  const readded = seenSince !== undefined && before.seenSince !== undefined && seenSince > before.seenSince;
  return readded ? Math.max(seenSince, before.since + 1) : before.since;
}

/** The CNI cache of an older runtime names no uid: the claim is still the same when the API says it. */
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
