import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import {
  cidr,
  compareIp,
  contains,
  type IpAddress,
  ip,
  isGlobalUnicast,
  isReservedInSubnet,
  parseCidr,
  parseHostCidr,
  parseIp,
} from '../../../lib/model/ip.ts';

describe('parseIp', () => {
  it.each([
    ['10.0.0.5', '10.0.0.5'],
    ['2001:DB8:0:0::5', '2001:db8::5'],
    ['010.1.1.1', undefined],
    ['10.1.1', undefined],
    ['10.0.0.256', undefined],
    ['0x0a.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
    ['::ffff:10.0.0.5', undefined],
    [' 10.0.0.5', undefined],
    ['', undefined],
    ['10.0.0.5/24', undefined],
  ])('reads %j as %j', (text, expected) => {
    expect(parseIp(text)).toBe(expected);
  });

  it('gives every address one text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const parsed = parseIp(text);
        fc.pre(parsed !== undefined);
        expect(parseIp(parsed)).toBe(parsed);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseIp, parseCidr, parseHostCidr]) expect(() => parse(text)).not.toThrow();
      }),
    );
  });
});

describe('IPv4 by hand', () => {
  /** Addresses near one another and near the edges of networks, as they really are. */
  const byte = fc.constantFrom(0, 1, 2, 3, 4, 127, 128, 254, 255);
  const address = fc.tuple(byte, byte, byte, byte).map((bytes) => ip(bytes.join('.')));
  const network = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([host, length]) => cidr(`${host}/${length}`));

  it('contains what the package says', () => {
    fc.assert(
      fc.property(network, address, (of, one) => {
        expect(contains(of, one)).toBe(ipaddr.IPv4.parse(one).match(ipaddr.IPv4.parseCIDR(of)));
      }),
    );
  });

  it('keeps the first four and the last of every subnet of a VPC', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 16, max: 28 }), (host, length) => {
        const subnet = cidr(`${host}/${length}`);
        const last = ip(ipaddr.IPv4.broadcastAddressFromCIDR(subnet).toString());
        const first = ipaddr.IPv4.networkAddressFromCIDR(subnet).toByteArray();
        const nth = (number: number) => ip([...first.slice(0, 3), (first[3] ?? 0) + number].join('.'));
        expect([0, 3, 4].map((number) => isReservedInSubnet(subnet, nth(number)))).toEqual([true, true, false]);
        expect(isReservedInSubnet(subnet, last)).toBe(true);
      }),
    );
  });

  it('is read as the package reads four decimal parts without leading zeros', () => {
    const part = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom('00', '01', '', '1e2', '0x1'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = parts.join('.');
        const plain = parts.every((one) => String(Number(one)) === one);
        expect(parseIp(text)).toBe(plain && ipaddr.IPv4.isValidFourPartDecimal(text) ? text : undefined);
      }),
    );
  });

  it('is unicast where the package says so', () => {
    const edges = fc.constantFrom('0.255.255.255', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0');
    const more = fc.constantFrom('223.255.255.255', '239.255.255.255', '240.0.0.0', '255.255.255.254');
    const special = ['loopback', 'linkLocal', 'multicast', 'unspecified', 'broadcast'];
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), edges, more), (text) => {
        expect(isGlobalUnicast(ip(text))).toBe(!special.includes(ipaddr.parse(text).range()));
      }),
    );
  });

  it('is ordered by the bytes', () => {
    const order = (one: IpAddress, other: IpAddress) =>
      Buffer.compare(Buffer.from(ipaddr.parse(one).toByteArray()), Buffer.from(ipaddr.parse(other).toByteArray()));
    fc.assert(
      fc.property(address, address, (one, other) => {
        expect(Math.sign(compareIp(one, other))).toBe(order(one, other));
      }),
    );
  });
});

describe('networks', () => {
  it.each([
    ['10.0.1.77/24', '10.0.1.0/24'],
    ['2001:db8::77/64', '2001:db8::/64'],
    ['10.0.1.0/33', undefined],
    ['10.0.1.0', undefined],
    ['10.0.1.0/24/1', undefined],
  ])('parseCidr reads %j as %j', (text, expected) => {
    expect(parseCidr(text)).toBe(expected);
  });

  it('contains is false across families', () => {
    expect(contains(cidr('0.0.0.0/0'), ip('::1'))).toBe(false);
    expect(contains(cidr('10.0.0.0/8'), ip('10.9.9.9'))).toBe(true);
  });

  it.each([
    ['10.0.1.3', true],
    ['10.0.1.4', false],
    ['10.0.1.254', false],
    ['10.0.1.255', true],
    ['10.0.2.0', false],
  ])('isReservedInSubnet of 10.0.1.0/24 says of %s: %s', (address, expected) => {
    expect(isReservedInSubnet(cidr('10.0.1.0/24'), ip(address))).toBe(expected);
  });

  it.each([
    '127.0.0.1',
    '169.254.169.254',
    '224.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    'fe80::1',
    'ff02::1',
    '::',
  ])('isGlobalUnicast refuses %s', (address) => {
    expect(isGlobalUnicast(ip(address))).toBe(false);
  });

  it('compareIp orders by family and number', () => {
    const sorted = ['10.0.0.10', '2001:db8::1', '10.0.0.9', '::2'].map(ip).toSorted(compareIp);

    expect(sorted).toEqual(['10.0.0.9', '10.0.0.10', '::2', '2001:db8::1']);
  });
});
