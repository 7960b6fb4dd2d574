import type { Claim } from '../../model/addresses/claim.ts';
import type { Doubt, HeldRefusal, KnownHolder } from '../../model/addresses/holder.ts';
import type { NodeSnapshot } from '../../model/addresses/snapshot.ts';
import type { Eni } from '../../model/eni.ts';
import type { Decision } from './decide.ts';

/** A look within this time of the appearance shows who held the address before it, ms. */
const SOON_MS = 2_000;

/** What a claim that has the right to a takeover does next, or that it has lost this right: another has taken the address since. */
export type Pursuit =
  | Extract<Decision, { kind: 'assign' | 'look' | 'verify' | 'pause' }>
  | { readonly kind: 'overtaken' };

/**
 * How an address that this claim may take over is got, without ever taking it blindly.
 *
 * - Nothing is known against it: it is asked for as if it were free, which costs a free address nothing extra. For a floating address
 *   the holder is looked up beside that call; and when an earlier look has found a holder, it is taken from there at once.
 * - EC2 says that it is held: one look finds the holder, and it is taken over unless that ENI is protected. When the look shows none
 *   and EC2 still refuses, its view lags (facts §1.0): looks and calls then go on at a growing pace.
 * - A call was answered late, not at all, or not let through: a look after it decides. Whoever else has the address by now, and did
 *   not have it before, has added it after us and keeps it.
 */
export function pursue(claim: Claim, eni: Eni, snapshot: NodeSnapshot): Pursuit {
  const { address, since } = claim;
  const known = snapshot.holders.get(address);
  const heldRefusal = current(snapshot.refusedAsHeld.get(address), ({ lastAt }) => lastAt, since);
  // By the first refusal: EC2 repeats it for as long as its view lags, and whoever asked in time has not come late.
  const doubt =
    current(snapshot.doubts.get(address), ({ at }) => at, since) ??
    latenessOf(claim, known, heldRefusal?.firstAt ?? snapshot.now);
  if (doubt === undefined && heldRefusal === undefined) return ask(claim, eni, known);
  const disputedUntil = snapshot.disputedUntil.get(address);
  if (disputedUntil !== undefined && disputedUntil > snapshot.now) return { kind: 'pause', until: disputedUntil };
  const answers = known !== undefined && known.askedAt >= Math.max(since, doubt?.at ?? 0);
  if (!answers) return doubt?.waited && heldRefusal === undefined ? { ...FREE, lookBeside: true } : LOOK;
  // EC2 refused the address after we had seen it free: somebody was quicker.
  if (known.eni === undefined) return heldRefusal !== undefined && heldRefusal.lastAt > known.askedAt ? LOOK : FREE;
  if (known.eni === eni.id) return { kind: 'verify' };
  if (doubt !== undefined && hasMoved(claim, known, doubt)) return { kind: 'overtaken' };
  if (heldRefusal !== undefined && movesOn(known, heldRefusal)) return { kind: 'overtaken' };
  return known.refusal === undefined ? { kind: 'assign', takeover: true, from: known.eni, looksUp: true } : LOOK;
}

const LOOK = { kind: 'look' } as const satisfies Pursuit;
const FREE = { kind: 'assign', takeover: false, from: undefined, looksUp: true } as const satisfies Pursuit;

/**
 * A floating address that was not asked for when it appeared, e.g. because our own ENIs were not known yet: another pod may have added
 * it while we could not act.
 */
function latenessOf(claim: Claim, known: KnownHolder | undefined, actedAt: number): Doubt | undefined {
  const due = Math.max(claim.since, claim.calmAt ?? 0) + SOON_MS;
  if (claim.kind !== 'floating' || actedAt <= due) return undefined;
  return {
    at: due,
    before: known !== undefined && known.askedAt <= due ? known : undefined,
    restarted: false,
    waited: true,
  };
}

/** Only what happened to this appearance of the address counts. */
function current<T>(value: T | undefined, at: (value: T) => number, since: number): T | undefined {
  return value !== undefined && at(value) >= since ? value : undefined;
}

function ask(claim: Claim, eni: Eni, known: KnownHolder | undefined): Pursuit {
  if (claim.kind !== 'floating' || known?.eni === eni.id) return FREE;
  if (known?.eni === undefined) {
    const lookedUp = known !== undefined && known.askedAt >= claim.since;
    return lookedUp ? FREE : { ...FREE, lookBeside: true };
  }
  // A protected ENI may have let go since we looked.
  return known.refusal === undefined ? { kind: 'assign', takeover: true, from: known.eni, looksUp: true } : LOOK;
}

/**
 * Whether the address goes on moving while EC2's describes catch up. That a look showed somebody who had it no more is explained by one move
 * before ours; after a second one others add it still, later than we did.
 */
function movesOn({ eni }: KnownHolder, { outdated = [] }: HeldRefusal): boolean {
  return outdated.length > 1 && outdated.at(-1) !== eni;
}

/**
 * Whether the address has changed hands while we waited. When that cannot be known, a floating address counts as moved, because two
 * pods may hold it and the other one may have added it later; what IPAM has given us is given to nobody else.
 */
function hasMoved(claim: Claim, known: KnownHolder, { before, restarted }: Doubt): boolean {
  if (claim.kind !== 'floating')
    return before !== undefined && before.askedAt >= claim.since && before.eni !== known.eni;
  if (restarted) return true;
  if (before !== undefined && before.eni === known.eni) return false;
  if (before !== undefined && before.askedAt >= claim.since) return true;
  return known.askedAt - claim.since > SOON_MS;
}
