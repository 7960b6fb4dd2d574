import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { judgeTakeover } from '../../../lib/plan/floating/takeover.ts';

const VIP = ip('10.0.0.201');
const other = { eni: 'eni-2', primary: false };

const TABLE = [
  ['nobody has it', undefined, undefined, 'take'],
  ['another node has it', undefined, other, 'take'],
  ['our first call was done and its answer lost', 'eni-2', { eni: 'eni-1', primary: false }, 'here'],
  ['our first call was not done', 'eni-2', other, 'take'],
  ['it was free, our answer was lost, and somebody has taken it since', '', other, 'lost'],
  ['somebody else has taken it since our first call', 'eni-3', other, 'lost'],
  ['it was taken and is free by now', 'eni-2', undefined, 'take'],
  ['it is the primary address of an ENI', undefined, { eni: 'eni-2', primary: true }, 'refused'],
] as const;

describe('judgeTakeover', () => {
  it.each(TABLE)('%s', (_situation, from, holder, expected) => {
    expect(judgeTakeover({ address: VIP, eni: 'eni-1', from }, holder).kind).toBe(expected);
  });
});
