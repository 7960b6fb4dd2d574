import { describe, expect, it } from 'vitest';
import { reviveLedgerEntry } from '../../../lib/model/addresses/ledger.ts';

const VALID = {
  address: '10.0.1.10',
  eni: 'eni-1',
  state: 'held',
  holder: { namespace: 'default', name: 'p', uid: 'u' },
  interface: 'net1',
  claimedAt: 5,
};

const NOW = 1_000;

describe('reviveLedgerEntry', () => {
  it('gives back what was stored', () => {
    expect(reviveLedgerEntry(JSON.parse(JSON.stringify(VALID)), NOW)).toEqual(VALID);
    expect(reviveLedgerEntry({ ...VALID, state: 'assigning', spent: true }, NOW)).toMatchObject({ spent: true });
    expect(reviveLedgerEntry({ ...VALID, state: 'refused' }, NOW)).toMatchObject({ state: 'refused' });
  });

  it('takes a time in the future for one just before now: the clock was set back', () => {
    expect(reviveLedgerEntry({ ...VALID, claimedAt: NOW + 3_600_000 }, NOW)).toEqual({ ...VALID, claimedAt: NOW - 1 });
    expect(reviveLedgerEntry({ ...VALID, claimedAt: NOW - 1 }, NOW)).toMatchObject({ claimedAt: NOW - 1 });
  });

  it.each([
    { name: 'nothing', stored: null },
    { name: 'a text', stored: 'held' },
    { name: 'another address form', stored: { ...VALID, address: '2001:DB8::1' } },
    { name: 'no address', stored: { ...VALID, address: '10.0.1.999' } },
    { name: 'an unknown state', stored: { ...VALID, state: 'sold' } },
    { name: 'a holder without uid', stored: { ...VALID, holder: { namespace: 'a', name: 'b' } } },
    { name: 'a time that is not a number', stored: { ...VALID, claimedAt: Number.NaN } },
    { name: 'a time in words', stored: { ...VALID, claimedAt: 'noon' } },
  ])('refuses $name', ({ stored }) => {
    expect(reviveLedgerEntry(stored, NOW)).toBeUndefined();
  });
});
