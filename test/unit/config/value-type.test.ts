import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueType } from '../../../lib/config/value-type.ts';
import { cidr, duration, hostPort, Mistake, toggle, wholePattern } from '../../../lib/config/value-type.ts';

const REFUSED = Symbol('refused');

function read<T>(type: ValueType<T>, given: string): T | typeof REFUSED {
  const value = type.parse(given);
  return value instanceof Mistake ? REFUSED : value;
}

describe('duration', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['25h', REFUSED],
    ['30', REFUSED],
    ['-1s', REFUSED],
    ['1d', REFUSED],
    ['1s500ms', REFUSED],
    ['constructor', REFUSED],
  ])('reads %s as %s', (given, expected) => {
    expect(read(duration({ min: '0', max: '24h' }), given)).toBe(expected);
  });
});

describe('hostPort', () => {
  it.each([
    [':9808', { host: undefined, port: 9808 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:9808', { host: '::1', port: 9808 }],
    ['off', 'off'],
    ['::1:9808', REFUSED],
    ['host', REFUSED],
    ['host:65536', REFUSED],
    ['host:1e3', REFUSED],
    ['a b:1', REFUSED],
  ])('reads %s as %j', (given, expected) => {
    expect(read(hostPort(), given)).toEqual(expected);
  });
});

describe('wholePattern', () => {
  it.each([
    ['net[0-9]+', 'net1', true],
    ['net[0-9]+', 'net1a', false],
    ['net1|sbr0', 'xsbr0', false],
    ['(?!eth0$|lo$).*', 'eth0', false],
    ['(?!eth0$|lo$).*', 'eth01', true],
  ])('%s on %s: %s', (given, name, expected) => {
    const pattern = read(wholePattern(), given);

    expect(pattern instanceof RegExp && pattern.test(name)).toBe(expected);
  });
});

describe('toggle and cidr', () => {
  it('read what people write', () => {
    expect(['TRUE', '1', 'yes', 'off', 'No', 'perhaps'].map((word) => read(toggle(), word))).toEqual([
      true,
      true,
      true,
      false,
      false,
      REFUSED,
    ]);
    expect(['10.0.1.9/24', '2001:db8::/64', '10.0.1.0', '010.0.0.0/8'].map((word) => read(cidr(), word))).toEqual([
      '10.0.1.0/24',
      '2001:db8::/64',
      REFUSED,
      REFUSED,
    ]);
  });
});

it('no value type throws, whatever the text', () => {
  const types: readonly ValueType<unknown>[] = [
    duration({ min: '0', max: '1h' }),
    hostPort(),
    wholePattern(),
    toggle(),
    cidr(),
  ];

  const anyText = property(string(), (given) => {
    for (const type of types) type.parse(given);
  });

  expect(() => assert(anyText)).not.toThrow();
});
