import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EniAddress } from '../../../../lib/model/eni.ts';
import { ENI_REASONS, eniClientToken } from '../../../../lib/model/eni-objects/eni-object.ts';
import { eniStatusBody, toEniObject } from '../../../../lib/model/eni-objects/read.ts';
import { type IpAddress, ip } from '../../../../lib/model/ip.ts';
import type { InstanceLimits } from '../../../../lib/model/network-interface.ts';
import { planAddresses } from '../../../../lib/plan/eni-objects/addresses.ts';
import { freePlace } from '../../../../lib/plan/eni-objects/free-place.ts';
import { contentOf } from '../../architecture/source-tree.ts';

const one = (interfaces: number): InstanceLimits => ({
  interfaces,
  cards: [{ index: 0, interfaces }],
  defaultCard: 0,
  ipv4PerInterface: 10,
});
const two: InstanceLimits = {
  interfaces: 4,
  cards: [
    { index: 0, interfaces: 2 },
    { index: 1, interfaces: 2 },
  ],
  defaultCard: 0,
  ipv4PerInterface: 10,
};
const at = (...places: readonly string[]) =>
  places.map((place) => {
    const [networkCard = 0, deviceIndex = 0] = place.split('/').map(Number);
    return { networkCard, deviceIndex };
  });

describe('a free place on an instance', () => {
  it.each<[string, InstanceLimits | undefined, readonly string[], string]>([
    ['beside the primary', one(3), ['0/0'], '0/1'],
    ['in a gap', one(4), ['0/0', '0/2'], '0/1'],
    ['above a row', one(4), ['0/0', '0/1', '0/2'], '0/3'],
    ['on a full instance', one(3), ['0/0', '0/1', '0/5'], 'none'],
    ['on the second card when the first is full', two, ['0/0', '0/1'], '1/1'],
    ['on the default card first', { ...two, defaultCard: 1 }, ['0/0'], '1/1'],
    ['when all cards are full', two, ['0/0', '0/1', '1/1', '1/2'], 'none'],
    ['of a type that EC2 does not tell about', undefined, ['0/0', '0/1'], '0/2'],
  ])('%s', (_, limits, taken, expected) => {
    const place = freePlace(limits, at(...taken));

    expect(place === undefined ? 'none' : `${place.networkCard}/${place.deviceIndex}`).toBe(expected);
  });
});

const address = (index: number): IpAddress => ip(`10.0.0.${index}`);
const list = (text: string): IpAddress[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((index) => address(Number(index)));
/** `1*` is the primary, `3!` has an Elastic IP. */
const present = (text: string): EniAddress[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => ({
      ip: address(Number.parseInt(word, 10)),
      primary: word.endsWith('*'),
      ...(word.endsWith('!') ? { association: { publicIp: ip('203.0.113.1') } } : {}),
    }));

describe('the number of addresses', () => {
  it.each<[number, string, string, string, string]>([
    [2, '1 2 3', '1* 2 3', '', 'own 1 2 3'],
    [2, '', '1* 2 3', '', 'own 1 2 3'],
    [3, '1 2', '1* 2', '', 'own 1 2, assign 2'],
    [1, '1 2 3 4', '1* 2 3 4', '', 'own 1 2 3 4, unassign 3 4'],
    [1, '1 2 3 4', '1* 2 3! 4', '', 'own 1 2 3 4, unassign 2 4'],
    [0, '1 2 3', '1* 2! 3', '3', 'own 1 2 3'],
    [1, '1 2', '1* 2 9', '9', 'own 1 2'],
    [1, '1 2', '1* 2 9', '', 'own 1 2'],
    [2, '1 2 3', '1* 2 9', '9', 'own 1 2, assign 1'],
    [2, '1 2 3', '1* 2 9', '', 'own 1 2 9'],
    [2, '1 3 2', '1* 2 3', '', 'own 1 3 2'],
  ])('wanted %i, listed [%s], present [%s], in use [%s]: %s', (wanted, recorded, there, used, expected) => {
    const { own, assign, unassign } = planAddresses(wanted, list(recorded), present(there), new Set(list(used)));
    const short = (addresses: readonly IpAddress[]) => addresses.map((text) => text.replace('10.0.0.', '')).join(' ');

    expect(
      [`own ${short(own)}`, assign > 0 && `assign ${assign}`, unassign.length > 0 && `unassign ${short(unassign)}`]
        .filter(Boolean)
        .join(', '),
    ).toBe(expected);
  });

  it('never gives back the primary, an address in use, with an Elastic IP or not listed, nor assigns and unassigns at once', () => {
    const index = fc.integer({ min: 2, max: 12 });
    const some = fc.uniqueArray(index, { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(6), some, some, some, some, (wanted, recorded, there, used, eips) => {
        const all = [...present('1*'), ...there.flatMap((n) => present(eips.includes(n) ? `${n}!` : `${n}`))];
        const plan = planAddresses(wanted, [address(1), ...recorded.map(address)], all, new Set(used.map(address)));
        for (const gone of plan.unassign) {
          const n = Number(gone.split('.').at(-1));
          expect([n === 1, used.includes(n), eips.includes(n), !recorded.includes(n)]).toEqual([
            false,
            false,
            false,
            false,
          ]);
        }
        expect(plan.assign > 0 && plan.unassign.length > 0).toBe(false);
        expect(plan.own.length - 1 + plan.assign - plan.unassign.length).toBeGreaterThanOrEqual(wanted);
      }),
    );
  });
});

describe('an ENI object', () => {
  const raw = {
    namespace: 'ns',
    name: 'e',
    uid: 'u',
    resourceVersion: '1',
    deleting: false,
    finalizers: [],
    owners: [],
  };

  it.each([
    [{}, {}],
    [
      { subnetID: 7, securityGroups: 'sg', secondaryPrivateIPAddressCount: -3, attachment: [] },
      { networkInterfaceID: {}, privateIPAddresses: ['x'], conditions: {} },
    ],
  ])('is read whatever it holds (%j)', (spec, status) => {
    const object = toEniObject({ ...raw, spec, status });

    expect(object.spec).toMatchObject({ subnetId: '', securityGroups: [], secondaryAddresses: 0, podName: undefined });
    expect(object.status).toMatchObject({ networkInterfaceId: undefined, privateIPAddresses: [], ready: undefined });
  });

  it('says the same after its status was written and read', () => {
    const object = toEniObject({ ...raw, spec: { subnetID: 's' }, status: {} });
    const status = {
      networkInterfaceId: 'eni-1',
      macAddress: '02:00:00:00:00:01',
      privateIPAddresses: [address(1)],
      attachment: { podName: 'p', instanceId: 'i-1', deviceIndex: 1, networkCard: 0 },
      ready: { status: 'True', reason: 'Ready', message: 'eni-1' },
    } as const;
    const again = toEniObject({ ...raw, spec: {}, status: eniStatusBody(object, status, 0) });

    expect(again.status).toEqual({ ...status, ready: { ...status.ready, since: '1970-01-01T00:00:00Z' } });
  });

  it('has a token of at most 64 characters that changes only when its interface is gone', () => {
    const uid = '01234567-89ab-cdef-0123-456789abcdef';
    const status = {
      networkInterfaceId: undefined,
      macAddress: undefined,
      privateIPAddresses: [],
      attachment: undefined,
      ready: undefined,
    };
    const first = eniClientToken({ uid, status });
    const second = eniClientToken({ uid, status: { ...status, networkInterfaceId: 'eni-0123456789abcdef0' } });

    expect([first, second].every((token) => token.length <= 64)).toBe(true);
    expect(first).not.toBe(second);
  });

  it('has a line in the documentation for each reason, and for nothing else', () => {
    const table = contentOf('docs/controller-enis.md').split('### Reasons')[1]?.split('\n## ')[0] ?? '';

    expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason)).toEqual(Object.keys(ENI_REASONS));
  });
});
