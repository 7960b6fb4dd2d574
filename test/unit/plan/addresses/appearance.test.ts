import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../../lib/model/addresses/ledger.ts';
import { type Appearances, dateClaims } from '../../../../lib/plan/addresses/appearance.ts';
import type { ClaimDraft } from '../../../../lib/plan/addresses/claims.ts';
import { claim, entry, NOW, snapshot } from './snapshots.ts';

const A = '10.0.1.10';

function draft(about: { seenSince?: number; uid?: string } = {}): ClaimDraft {
  const { since: _, ...made } = claim(A, { on: 'eni-1', kind: 'floating' });
  const { seenSince, uid = made.holder.uid } = about;
  return { ...made, holder: { ...made.holder, uid }, seenSince };
}

/** Plays rounds one second apart and returns the date of the claim in each, as seconds after the start; undefined without one. */
function dates(rounds: readonly { drafts: ClaimDraft[]; complete?: boolean }[], ledger: LedgerEntry[] = []) {
  let known: Appearances = new Map();
  return rounds.map(({ drafts, complete = true }, index) => {
    const input = {
      known,
      ledger: snapshot({ ledger }).ledger,
      complete,
      now: NOW + 1_000 * index,
      settled: true,
      trusted: true,
    };
    const dated = dateClaims(drafts, input);
    known = dated.appearances;
    const since = dated.claims[0]?.since;
    return since === undefined ? undefined : (since - NOW) / 1_000;
  });
}

const present = { drafts: [draft({ seenSince: NOW })] };
const absent = { drafts: [] };

describe('an address that comes and goes', () => {
  /** Adds and removes the address each 100 ms and counts the appearances that may be acted upon at once. */
  function flaps(seconds: number, ledger: LedgerEntry[]) {
    let known: Appearances = new Map();
    const served = new Set<number>();
    let calmAt: number | undefined;
    for (let now = NOW; now < NOW + seconds * 1_000; now += 100) {
      const drafts = (now / 100) % 2 === 0 ? [draft()] : [];
      const dated = dateClaims(drafts, {
        known,
        ledger: snapshot({ ledger }).ledger,
        complete: true,
        now,
        settled: true,
        trusted: true,
      });
      known = dated.appearances;
      const [first] = dated.claims;
      calmAt = first?.calmAt;
      if (first && (calmAt ?? 0) <= now) served.add(first.since);
    }
    return { served: served.size, waitMs: calmAt === undefined ? 0 : calmAt - (NOW + seconds * 1_000) };
  }

  it.each([
    { name: 'ours', ledger: [entry(A, 'eni-1', 'held')] },
    { name: 'held elsewhere, so that the ledger does not know it', ledger: [] },
  ])('is followed at once a few times, then at most once in 5 s ($name)', { timeout: 60_000 }, ({ ledger }) => {
    expect(flaps(1, ledger).served).toBe(5);
    expect(flaps(60, ledger).served).toBeLessThanOrEqual(18);
    expect(flaps(600, ledger).waitMs).toBeLessThanOrEqual(5_000);
  });
});

describe('dateClaims', () => {
  it.each([
    { name: 'keeps the date of first sight', rounds: [present, present, present], expected: [0, 0, 0] },
    {
      name: 'dates again what vanished and came back',
      rounds: [present, absent, present],
      expected: [0, undefined, 2],
    },
    {
      name: 'keeps the date of what a blind source did not show',
      rounds: [present, { drafts: [], complete: false }, { ...present, complete: false }, present],
      expected: [0, undefined, 0, 0],
    },
    {
      name: 'dates again what the kernel saw deleted and added between two looks',
      rounds: [present, { drafts: [draft({ seenSince: NOW + 700 })] }, { drafts: [draft({ seenSince: NOW + 700 })] }],
      expected: [0, 0.7, 0.7],
    },
    {
      name: 'does not take the first word of the kernel for a new appearance',
      rounds: [{ drafts: [draft()] }, { drafts: [draft({ seenSince: NOW + 900 })] }],
      expected: [0, 0],
    },
    {
      name: 'keeps the date when the kernel is silent for a while',
      rounds: [present, { drafts: [draft()] }, present],
      expected: [0, 0, 0],
    },
    {
      name: 'keeps the date when the API tells the uid that an old cache entry lacks',
      rounds: [{ drafts: [draft({ uid: '' })] }, present],
      expected: [0, 0],
    },
    {
      name: 'dates a recreated pod of the same name again',
      rounds: [present, { drafts: [draft({ uid: 'another' })] }],
      expected: [0, 1],
    },
  ])('$name', ({ rounds, expected }) => {
    expect(dates(rounds)).toEqual(expected);
  });

  it('remembers over a restart, by the ledger, also before the uid is known again', () => {
    const ledger = [entry(A, 'eni-1', 'lost', { claimedAt: NOW - 9_000 })];

    expect(dates([present, present], ledger)).toEqual([-9, -9]);
    expect(dates([{ drafts: [draft({ uid: '' })] }, present], ledger)).toEqual([-9, -9]);
  });

  it('takes another pod of the same name for new, although an old cache entry had no uid', () => {
    const ledger = [entry(A, 'eni-1', 'lost', { claimedAt: NOW - 9_000 })];

    expect(dates([{ drafts: [draft({ uid: '' })] }, { drafts: [draft({ uid: 'another' })] }], ledger)).toEqual([-9, 1]);
  });
});
