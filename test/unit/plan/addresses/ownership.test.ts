import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../../../lib/model/addresses/ledger.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { ownershipAfter } from '../../../../lib/plan/addresses/ownership.ts';
import { entry } from './snapshots.ts';

const A = '10.0.1.10';
const NEW: LedgerEntry | undefined = undefined;

it.each<[name: string, before: LedgerEntry | undefined, assigned: string[] | undefined, state: string]>([
  ['assigned by this call', NEW, [A], 'held'],
  ['there before us', NEW, [], 'found'],
  ['there before us, beside another that this call assigned', NEW, ['10.0.1.11'], 'found'],
  ['not said', NEW, undefined, 'held'],
  ['not said, found before', entry(A, 'eni-1', 'found'), undefined, 'found'],
  ['not said, and never ours', { ...entry(A, 'eni-1', 'lost'), notOurs: true }, undefined, 'found'],
  ['not said, ours before', entry(A, 'eni-1', 'held'), undefined, 'held'],
  ['ours before', entry(A, 'eni-1', 'held'), [], 'held'],
  ['asked for before, without an answer', entry(A, 'eni-1', 'assigning'), [], 'held'],
  ['refused before, and put there by hand', entry(A, 'eni-1', 'refused'), [], 'found'],
  ['refused before, and assigned by this call', entry(A, 'eni-1', 'refused'), [A], 'held'],
  ['found before', entry(A, 'eni-1', 'found'), [], 'found'],
  ['lost before, and put back by hand', entry(A, 'eni-1', 'lost'), [], 'found'],
  ['lost before, and assigned again', entry(A, 'eni-1', 'lost'), [A], 'held'],
  ['ours on another ENI of this node', entry(A, 'eni-22', 'held'), [A], 'held'],
])('an accepted address, %s', (_name, before, assigned, state) => {
  expect(ownershipAfter({ address: ip(A), eni: 'eni-1', before }, assigned?.map(ip))).toBe(state);
});

it.each([
  ['ours all the time when it seemed lost a moment after EC2 had given it to us', entry(A, 'eni-1', 'lost'), 'held'],
  ['not ours when it never was', { ...entry(A, 'eni-1', 'lost'), notOurs: true } as const, 'found'],
])('an address that EC2 shows nowhere and has here already is %s', (_name, before, state) => {
  expect(ownershipAfter({ address: ip(A), eni: 'eni-1', before, justAccepted: true }, [])).toBe(state);
});
