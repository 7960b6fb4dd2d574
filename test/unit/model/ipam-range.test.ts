import { describe, expect, it } from 'vitest';
import { handsOut, ipamRangesOf } from '../../../lib/model/addresses/ipam-range.ts';
import { ip } from '../../../lib/model/ip.ts';

/** Of these addresses, which the conf's IPAM plugin may hand out. */
const PROBES = ['10.0.1.5', '10.0.1.10', '10.0.1.15', '10.0.1.20', '10.0.1.30', '10.0.2.10', '2001:db8::10'];

function given(ipam: unknown): readonly string[] {
  const ranges = ipamRangesOf({ type: 'ipvlan', ipam });
  return PROBES.filter((text) => ranges.some((range) => handsOut(range, ip(text))));
}

describe('what an IPAM plugin may hand out', () => {
  it.each<[string, unknown, readonly string[]]>([
    [
      'whereabouts, a whole network',
      { range: '10.0.1.0/24' },
      ['10.0.1.5', '10.0.1.10', '10.0.1.15', '10.0.1.20', '10.0.1.30'],
    ],
    [
      'from and to',
      { range: '10.0.1.0/24', range_start: '10.0.1.10', range_end: '10.0.1.20' },
      ['10.0.1.10', '10.0.1.15', '10.0.1.20'],
    ],
    [
      'without what it excludes',
      { range: '10.0.1.0/24', range_start: '10.0.1.10', exclude: ['10.0.1.12/30', '10.0.1.30'] },
      ['10.0.1.10', '10.0.1.20'],
    ],
    ['a range in one text', { range: '10.0.1.10-10.0.1.15/24' }, ['10.0.1.10', '10.0.1.15']],
    [
      'several ranges',
      { ipRanges: [{ range: '10.0.2.0/24' }, { range: '2001:db8::/64' }] },
      ['10.0.2.10', '2001:db8::10'],
    ],
    ['a network with host bits', { range: '10.0.1.7/24', range_end: '10.0.1.9' }, ['10.0.1.5']],
    ['host-local', { subnet: '10.0.1.0/24', rangeStart: '10.0.1.20' }, ['10.0.1.20', '10.0.1.30']],
    [
      'host-local, ranges',
      { ranges: [[{ subnet: '10.0.1.0/24', rangeEnd: '10.0.1.5' }], [{ subnet: '10.0.2.0/24' }]] },
      ['10.0.1.5', '10.0.2.10'],
    ],
    ['static', { type: 'static', addresses: [{ address: '10.0.1.20/24' }] }, ['10.0.1.20']],
    ['another plugin', { type: 'dhcp' }, []],
    ['nonsense', { range: 'all of it', ranges: 7, addresses: 'x', exclude: {} }, []],
    ['no plugin', undefined, []],
  ])('%s', (_name, ipam, expected) => {
    expect(given(ipam)).toEqual(expected);
  });

  it('is read from JSON, base64 and the plugins of a list', () => {
    const list = JSON.stringify({ plugins: [{ ipam: { range: '10.0.1.0/24' } }] });

    expect(ipamRangesOf(list)).toHaveLength(1);
    expect(ipamRangesOf(Buffer.from(list).toString('base64'))).toHaveLength(1);
  });

  it('does not grow with what somebody writes', () => {
    const ipRanges = Array.from({ length: 10_000 }, () => ({ range: '10.0.1.0/24' }));

    expect(ipamRangesOf({ ipam: { ipRanges } })).toHaveLength(64);
  });
});
