import { describe, expect, test } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import type { KernelLink } from '../../../lib/net/addresses.ts';
import { seenAt, spotOf, withAddition, withoutSpot } from '../../../lib/net/live-view.ts';

function link(name: string, changes: Partial<KernelLink> = {}): KernelLink {
  return {
    ifindex: 3,
    name,
    altNames: [],
    mac: undefined,
    up: true,
    mtu: 1500,
    parentIndex: undefined,
    parentNetns: undefined,
    addresses: [],
    ...changes,
  };
}

function net1(...texts: string[]): KernelLink {
  const addresses = texts.map((text) => ({
    ip: ip(text),
    prefixLength: 24,
    tentative: false,
    dadFailed: text === '2001:db8::bad',
    deprecated: false,
  }));
  return link('net1', { addresses });
}

function times(view: ReturnType<typeof seenAt>) {
  return Object.fromEntries(
    view.flatMap(({ addresses }) => addresses.map(({ ip: address, since }) => [address, since])),
  );
}

describe('the view of a namespace', () => {
  test('keeps the time of what was there, and gives what is new the present', () => {
    const before = seenAt(100, [net1('10.0.0.1')], []);

    expect(times(seenAt(200, [net1('10.0.0.1', '10.0.0.2')], before))).toEqual({ '10.0.0.1': 100, '10.0.0.2': 200 });
  });

  test('gives an address that was deleted in between a new time', () => {
    const before = seenAt(100, [net1('10.0.0.1', '10.0.0.2')], []);
    const after = withoutSpot(before, spotOf(3, ip('10.0.0.1')));

    expect(times(after)).toEqual({ '10.0.0.2': 100 });
    expect(times(seenAt(200, [net1('10.0.0.1', '10.0.0.2')], after))).toEqual({ '10.0.0.1': 200, '10.0.0.2': 100 });
  });

  test('believes the kernel about an address that is new on a known link, and about nothing else', () => {
    const before = seenAt(100, [net1('10.0.0.1')], []);
    const address = (text: string) => ({ ip: ip(text), prefixLength: 32, since: 150 });

    expect(times(withAddition(before, { ifindex: 3, address: address('10.0.0.9') }))).toEqual({
      '10.0.0.1': 100,
      '10.0.0.9': 150,
    });
    expect(times(withAddition(before, { ifindex: 3, address: address('10.0.0.1') }))).toEqual({ '10.0.0.1': 100 });
    expect(times(withAddition(before, { ifindex: 4, address: address('10.0.0.9') }))).toEqual({ '10.0.0.1': 100 });
  });

  test('takes back what the kernel told when the next read does not show it, and keeps its time when it does', () => {
    const told = withAddition(seenAt(100, [net1()], []), {
      ifindex: 3,
      address: { ip: ip('10.0.0.9'), prefixLength: 32, since: 150 },
    });

    expect(times(seenAt(200, [net1()], told))).toEqual({});
    expect(times(seenAt(200, [net1('10.0.0.9')], told))).toEqual({ '10.0.0.9': 150 });
  });

  test('does not bring back what was deleted while the read was under way', () => {
    expect(times(seenAt(200, [net1('10.0.0.1')], [], new Set([spotOf(3, ip('10.0.0.1'))])))).toEqual({});
  });

  test('leaves out loopback and addresses that failed duplicate detection', () => {
    expect(seenAt(1, [link('lo'), net1('2001:db8::bad')], []).map(({ name, addresses }) => [name, addresses])).toEqual([
      ['net1', []],
    ]);
  });

  test.each([
    ['a parent in the host', [link('net1', { parentIndex: 6, parentNetns: 0 })], 6],
    ['a parent in the pod itself (VLAN)', [link('net1', { parentIndex: 6 })], undefined],
    [
      'eth0 leads to the host, net1 elsewhere',
      [link('eth0', { parentIndex: 9, parentNetns: 0 }), link('net1', { parentIndex: 6, parentNetns: 1 })],
      undefined,
    ],
    [
      'two namespaces and no eth0',
      [link('a', { parentIndex: 9, parentNetns: 0 }), link('net1', { parentIndex: 6, parentNetns: 1 })],
      undefined,
    ],
  ])('%s', (_name, links, parentIndex) => {
    expect(seenAt(1, links, []).find(({ name }) => name === 'net1')?.parentIndex).toBe(parentIndex);
  });
});
