import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cidr,
  compareIp,
  contains,
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
