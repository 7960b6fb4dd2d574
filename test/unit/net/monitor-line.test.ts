import { describe, expect, test } from 'vitest';
import { parseMonitorLine } from '../../../lib/net/monitor-line.ts';

const TAIL = '\\       valid_lft forever preferred_lft forever';

describe('parseMonitorLine', () => {
  test.each([
    [
      `[nsid 0]3: ifb1    inet 10.9.0.5/24 brd 10.9.0.255 scope global net1${TAIL}`,
      { nsid: 0, ifindex: 3, ip: '10.9.0.5', prefixLength: 24 },
    ],
    [
      `[nsid 12]3: ifb1    inet6 2001:db8::5/64 scope global tentative ${TAIL}`,
      { nsid: 12, ifindex: 3, ip: '2001:db8::5' },
    ],
    [
      `[nsid current]5: eni1p    inet6 2001:db8::1/64 scope global ${TAIL}`,
      { ifindex: 5, ip: '2001:db8::1', prefixLength: 64 },
    ],
    [
      `[nsid 0]Deleted 3: ifb1    inet 10.9.0.5/24 scope global net1${TAIL}`,
      { nsid: 0, deleted: true, ifindex: 3, ip: '10.9.0.5', prefixLength: 24 },
    ],
    [`7: net1    inet 10.9.0.5/24 scope global net1${TAIL}`, { ifindex: 7, ip: '10.9.0.5', prefixLength: 24 }],
    [
      `Deleted 7: net1@if6    inet 10.9.0.5/32 scope global net1${TAIL}`,
      { deleted: true, ifindex: 7, ip: '10.9.0.5', prefixLength: 32 },
    ],
    [`7: net1    inet 10.9.0.5 peer 10.9.0.6/32 scope global net1${TAIL}`, { ifindex: 7, ip: '10.9.0.5' }],
  ])('%s', (line, expected) => {
    expect(parseMonitorLine(line)).toEqual({ kind: 'address', nsid: undefined, deleted: false, ...expected });
  });

  test.each(['netlink receive error No buffer space available (105)', 'netlink receive error Resource busy (16)'])(
    '%s is a gap',
    (line) => {
      expect(parseMonitorLine(line)).toEqual({ kind: 'gap' });
    },
  );

  test.each([
    '',
    'Deleted nsid 0 (iproute2 netns name: t1)',
    '3: ifb1    inet 010.9.0.5/24',
    'Dump terminated',
    '7: net1    inet6 fe80::1/64 scope link',
    '\u0000',
  ])('%j says nothing about an address', (line) => {
    expect(parseMonitorLine(line)).toBeUndefined();
  });
});
