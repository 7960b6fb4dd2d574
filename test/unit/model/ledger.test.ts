import { describe, expect, it } from 'vitest';
import { reviveLedgerEntry } from '../../../lib/model/ledger.ts';

const VALID = {
  address: '10.0.1.10',
  eni: 'eni-1',
  state: 'held',
  holder: { namespace: 'default', name: 'p', uid: 'u' },
  interface: 'net1',
  claimedAt: 5,
};

describe('reviveLedgerEntry', () => {
  it('gives back what was stored', () => {
    expect(reviveLedgerEntry(JSON.parse(JSON.stringify(VALID)))).toEqual(VALID);
    expect(reviveLedgerEntry({ ...VALID, state: 'assigning', spent: true })).toMatchObject({ spent: true });
  });

  it.each([
    { name: 'nothing', stored: null },
    { name: 'a text', stored: 'held' },
    { name: 'another address form', stored: { ...VALID, address: '2001:DB8::1' } },
    { name: 'no address', stored: { ...VALID, address: '10.0.1.999' } },
    { name: 'an unknown state', stored: { ...VALID, state: 'sold' } },
    { name: 'a holder without uid', stored: { ...VALID, holder: { namespace: 'a', name: 'b' } } },
    { name: 'a time in words', stored: { ...VALID, claimedAt: 'noon' } },
  ])('refuses $name', ({ stored }) => {
    expect(reviveLedgerEntry(stored)).toBeUndefined();
  });
});
