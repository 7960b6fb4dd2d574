import { describe, expect, it } from 'vitest';
import type { ClaimKind } from '../../../../lib/model/addresses/claim.ts';
import type { Doubt, KnownHolder } from '../../../../lib/model/addresses/holder.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { pursue } from '../../../../lib/plan/addresses/pursue.ts';
import { claim, eni, NOW, snapshot } from './snapshots.ts';

const A = '10.0.1.10';
const SINCE = NOW - 1_000;
const at = (askedAt: number, holder: string | undefined): KnownHolder => ({ askedAt, eni: holder });
const guarded = (askedAt: number): KnownHolder => ({
  ...at(askedAt, 'eni-7'),
  refusal: { reason: 'ProtectedInterface', message: 'no', address: ip(A) },
});
const doubt = (before: KnownHolder | undefined, about: Partial<Doubt> = {}): Doubt => ({
  at: NOW - 100,
  before,
  restarted: false,
  ...about,
});

describe('pursue', () => {
  const table: [
    name: string,
    kind: ClaimKind,
    known: KnownHolder | undefined,
    doubt: Doubt | undefined,
    refusedAsHeld: number | undefined,
    expected: string,
  ][] = [
    ['ipam, nothing known', 'ipam', undefined, undefined, undefined, 'ask'],
    ['ipam, an old look found a holder', 'ipam', at(SINCE - 1, 'eni-7'), undefined, undefined, 'ask'],
    ['ipam, refused', 'ipam', undefined, undefined, NOW, 'look'],
    ['ipam, refused, holder from before the appearance', 'ipam', at(SINCE - 1, 'eni-7'), undefined, NOW, 'look'],
    ['ipam, refused, holder found', 'ipam', at(NOW, 'eni-7'), undefined, NOW, 'take from eni-7'],
    ['ipam, refused, holder protected', 'ipam', guarded(NOW), undefined, NOW, 'look'],
    ['ipam, refused after it was seen free', 'ipam', at(SINCE, undefined), undefined, NOW, 'look'],
    ['ipam, refused, free since', 'ipam', at(NOW, undefined), undefined, NOW - 1, 'ask'],
    ['ipam, refused for an earlier appearance', 'ipam', undefined, undefined, SINCE - 1, 'ask'],
    ['ipam, found on our own ENI', 'ipam', at(NOW, 'eni-1'), undefined, NOW, 'verify'],
    ['floating, nothing known', 'floating', undefined, undefined, undefined, 'ask and look'],
    ['floating, seen free before', 'floating', at(SINCE - 1, undefined), undefined, undefined, 'ask and look'],
    ['floating, seen free since', 'floating', at(SINCE, undefined), undefined, undefined, 'ask'],
    ['floating, known holder', 'floating', at(SINCE - 9, 'eni-7'), undefined, undefined, 'take from eni-7'],
    ['floating, known holder protected', 'floating', guarded(SINCE - 9), undefined, undefined, 'look'],
    ['a lost answer', 'floating', at(SINCE, 'eni-7'), doubt(at(SINCE, 'eni-7')), undefined, 'look'],
    [
      'a lost answer, the holder is the old one',
      'floating',
      at(NOW, 'eni-7'),
      doubt(at(SINCE, 'eni-7')),
      undefined,
      'take from eni-7',
    ],
    ['a lost answer, another has it', 'floating', at(NOW, 'eni-7'), doubt(at(SINCE, 'eni-8')), undefined, 'overtaken'],
    ['a lost answer, it was free', 'floating', at(NOW, 'eni-7'), doubt(at(SINCE, undefined)), undefined, 'overtaken'],
    [
      'a lost answer, it was ours meanwhile',
      'floating',
      at(NOW, 'eni-7'),
      doubt(at(NOW - 100, 'eni-1')),
      undefined,
      'overtaken',
    ],
    ['a lost answer, nobody has it', 'floating', at(NOW, undefined), doubt(at(SINCE, 'eni-8')), undefined, 'ask'],
    ['nothing known before, looked soon', 'floating', at(NOW, 'eni-7'), doubt(undefined), undefined, 'take from eni-7'],
    [
      'nothing known before, looked late',
      'floating',
      at(SINCE + 2_001, 'eni-7'),
      doubt(undefined),
      undefined,
      'overtaken',
    ],
    ['after a restart', 'floating', at(NOW, 'eni-7'), doubt(undefined, { restarted: true }), undefined, 'overtaken'],
    [
      'ipam after a restart',
      'ipam',
      at(NOW, 'eni-7'),
      doubt(undefined, { restarted: true }),
      undefined,
      'take from eni-7',
    ],
    ['ipam, moved on while we waited', 'ipam', at(NOW, 'eni-7'), doubt(at(SINCE, 'eni-8')), undefined, 'overtaken'],
    [
      'only waited for permission',
      'floating',
      undefined,
      doubt(undefined, { waited: true }),
      undefined,
      'ask and look',
    ],
    [
      'a doubt about an earlier appearance',
      'floating',
      at(SINCE - 9, 'eni-7'),
      doubt(undefined, { at: SINCE - 1 }),
      undefined,
      'take from eni-7',
    ],
  ];
  it.each(table)('%s', (_name, kind, known, doubted, refusedAsHeld, expected) => {
    const given = snapshot({
      now: Math.max(NOW, known?.askedAt ?? NOW),
      ...(known && { holders: { [A]: known } }),
      ...(doubted && { doubts: { [A]: doubted } }),
      ...(refusedAsHeld !== undefined && { refusedAsHeld: { [A]: refusedAsHeld } }),
    });

    const next = pursue(claim(A, { on: 'eni-1', kind, since: SINCE }), eni('eni-1'), given);

    expect(inWords(next)).toBe(expected);
  });
});

describe('pursue, for a floating address that could not be asked for when it appeared', () => {
  const longAgo = NOW - 10_000;
  const asked = claim(A, { on: 'eni-1', kind: 'floating', since: longAgo });

  it('asks without force and looks beside it', () => {
    expect(inWords(pursue(asked, eni('eni-1'), snapshot()))).toBe('ask and look');
  });

  it('leaves it to whoever has it by now', () => {
    const refused = snapshot({ holders: { [A]: at(NOW, 'eni-7') }, refusedAsHeld: { [A]: NOW - 1 } });
    expect(pursue(asked, eni('eni-1'), refused).kind).toBe('overtaken');
  });

  it('takes it after all when it was refused in time and EC2 showed the holder only much later', () => {
    const refusedAsHeld = new Map([[ip(A), { firstAt: longAgo + 50, lastAt: NOW - 1_000 }]]);
    const caughtUp = { ...snapshot({ holders: { [A]: at(NOW, 'eni-7') } }), refusedAsHeld };
    expect(inWords(pursue(asked, eni('eni-1'), caughtUp))).toBe('take from eni-7');
  });

  it('takes it when an address that came and went was asked for as soon as it had settled', () => {
    const settled = { ...asked, calmAt: NOW - 100 };
    const refused = snapshot({ holders: { [A]: at(NOW, 'eni-7') }, refusedAsHeld: { [A]: NOW - 50 } });
    expect(inWords(pursue(settled, eni('eni-1'), refused))).toBe('take from eni-7');
  });
});

describe('pursue, while EC2 refuses an address that it shows free', () => {
  it('waits for its view to catch up instead of asking at once again and again', () => {
    const given = snapshot({
      holders: { [A]: at(NOW, undefined) },
      refusedAsHeld: { [A]: NOW - 1 },
      disputedUntil: new Map([[ip(A), NOW + 500]]),
    });
    const later = { ...given, now: NOW + 500 };
    const asked = claim(A, { on: 'eni-1', kind: 'ipam', since: SINCE });

    expect(pursue(asked, eni('eni-1'), given)).toEqual({ kind: 'pause', until: NOW + 500 });
    expect(inWords(pursue(asked, eni('eni-1'), later))).toBe('ask');
  });
});

function inWords(next: ReturnType<typeof pursue>): string {
  if (next.kind !== 'assign') return next.kind;
  if (next.takeover) return `take from ${next.from}`;
  return next.lookBeside ? 'ask and look' : 'ask';
}
