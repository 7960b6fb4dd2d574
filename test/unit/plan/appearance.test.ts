import { describe, expect, it } from 'vitest';
import type { EniId } from '../../../lib/model/eni.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { LedgerEntry } from '../../../lib/model/ledger.ts';
import { type Appearances, dateClaims } from '../../../lib/plan/appearance.ts';
import type { ClaimDraft } from '../../../lib/plan/claims.ts';

const address = ip('10.0.1.100');
const holder = { namespace: 'default', name: 'vrrp', uid: 'uid-1' };
const draft: ClaimDraft = {
  address,
  holder,
  interface: 'net1',
  kind: 'floating',
  mac: undefined,
  masterMac: undefined,
  seenSince: undefined,
};
const held: LedgerEntry = {
  address,
  holder,
  interface: 'net1',
  eni: 'eni-1' as EniId,
  state: 'held',
  claimedAt: 100,
};

/** Rounds one after the other, one every 10 ms from 100 on: whether the address is seen, and whether all sources answered. */
function sinceAfter(rounds: readonly { seen: boolean; complete?: boolean }[], ledger: readonly LedgerEntry[]) {
  let known: Appearances = new Map();
  let since: number | undefined;
  for (const [index, { seen, complete = true }] of rounds.entries()) {
    const now = 100 + 10 * index;
    const remembered = new Map(ledger.map((entry) => [entry.address, entry]));
    const dated = dateClaims(seen ? [draft] : [], { known, ledger: remembered, complete, now });
    known = dated.appearances;
    since = dated.claims[0]?.since;
  }
  return since;
}

describe('dateClaims', () => {
  const [there, gone, blind] = [{ seen: true }, { seen: false }, { seen: false, complete: false }];

  it.each([
    ['counts from the first sight', [there, there], [], 100],
    ['counts from the ledger after a restart', [gone, there], [{ ...held, claimedAt: 50 }], 50],
    ['counts anew when the address vanished and came back', [there, gone, there], [], 120],
    ['counts anew although the ledger still holds the address', [there, gone, there], [held], 120],
    ['counts anew after a long absence', [there, gone, gone, gone, there], [held], 140],
    ['does not count a blind source as a vanishing', [there, blind, there], [held], 100],
    ['stays dated when it has come back', [there, gone, there, there], [held], 120],
  ])('%s', (_name, rounds, ledger, since) => {
    expect(sinceAfter(rounds, ledger)).toBe(since);
  });

  it('forgets what vanished with the ledger’s memory of it', () => {
    const known: Appearances = new Map([['k', { address, since: 100, seenSince: undefined, vanished: true }]]);
    const { appearances } = dateClaims([], { known, ledger: new Map(), complete: true, now: 200 });
    expect(appearances.size).toBe(0);
  });
});
