import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../../../lib/model/addresses/claim.ts';
import type { Backoff, NodeSnapshot } from '../../../../lib/model/addresses/snapshot.ts';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import { plan } from '../../../../lib/plan/addresses/plan.ts';
import { claim, eni, entry, inWords, macOf, NOW, snapshot } from './snapshots.ts';

const A = '10.0.1.10';
const ANY = { takeover: 'any', allowPrimary: false, release: 'after-delay', releaseDelayMs: 30_000 } as const;

interface Row {
  readonly name: string;
  readonly snapshot: NodeSnapshot;
  readonly expected: readonly string[];
}

function check({ snapshot: given, expected }: Row): void {
  expect(inWords(plan(given))).toEqual(expected);
}

describe('plan, taking and standing down', () => {
  it.each<Row>([
    {
      name: 'asks for an ipam address without taking it from anybody',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1' })] }),
      expected: [`assign ${A} to eni-1`],
    },
    {
      name: 'takes a floating address from its known holder, before everything else',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1' }), claim('10.0.1.11', { on: 'eni-1', kind: 'floating' })],
        holders: { '10.0.1.11': { askedAt: NOW - 60_000, eni: 'eni-9' } },
      }),
      expected: ['assign 10.0.1.11 to eni-1 taking over from eni-9 at once', `assign ${A} to eni-1`],
    },
    {
      name: 'asks for a live address without taking it from anybody',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1', kind: 'live' })] }),
      expected: [`assign ${A} to eni-1`],
    },
    {
      name: 'takes a live address over under --takeover=any',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1', kind: 'live' })],
        policy: ANY,
        refusedAsHeld: { [A]: NOW },
        holders: { [A]: { askedAt: NOW, eni: 'eni-9' } },
      }),
      expected: [`assign ${A} to eni-1 taking over from eni-9`],
    },
    {
      name: 'records what is there already as found',
      snapshot: snapshot({ enis: [eni('eni-1', { holds: [A] })], claims: [claim(A, { on: 'eni-1' })] }),
      expected: [`${A} assigned`, `record ${A} found`],
    },
    {
      name: 'looks first when the facts are older than the claim',
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: [A] })],
        claims: [claim(A, { on: 'eni-1' })],
        describedAt: NOW - 5_000,
      }),
      expected: ['describe'],
    },
    {
      name: 'has nothing to do for what it holds',
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: [A] })],
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'held')],
      }),
      expected: [`${A} assigned`],
    },
    {
      name: 'stands down after a loss, and remembers it',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1' })], ledger: [entry(A, 'eni-1', 'held')] }),
      expected: [`${A} refused HeldElsewhere`, `record ${A} lost`, `look up ${A}`],
    },
    {
      name: 'keeps standing down',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1' })], ledger: [entry(A, 'eni-1', 'lost')] }),
      expected: [`${A} refused HeldElsewhere`, `look up ${A}`],
    },
    {
      name: 'asks again when the address has appeared again',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1', since: NOW - 10 })], ledger: [entry(A, 'eni-1', 'lost')] }),
      expected: [`assign ${A} to eni-1`],
    },
    {
      name: 'assigns what is free again without taking it from anybody',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'lost')],
        knownFree: [ip(A)],
      }),
      expected: [`assign ${A} to eni-1`],
    },
    {
      name: 'looks who holds it after a crash between record and call',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'assigning')],
        doubts: { [A]: { at: NOW, before: undefined, restarted: true } },
      }),
      expected: [`look up ${A} to take it`],
    },
    {
      name: 'looks who holds it after a restart between a refusal and the takeover',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'refused')],
        refusedAsHeld: { [A]: NOW - 900 },
      }),
      expected: [`look up ${A} to take it`],
    },
    {
      name: 'takes for found what it was refused and somebody has put there since',
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: [A] })],
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'refused')],
      }),
      expected: [`${A} assigned`, `record ${A} found`],
    },
    {
      name: 'forgets a refusal with its claim',
      snapshot: snapshot({ enis: [eni('eni-1', { holds: [A] })], ledger: [entry(A, 'eni-1', 'refused')] }),
      expected: [`forget ${A}`],
    },
    {
      name: 'does not fail over after a crash while it tried what looked free',
      snapshot: snapshot({
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'assigning', { spent: true })],
      }),
      expected: [`${A} refused HeldElsewhere`, `record ${A} lost`, `look up ${A}`],
    },
    {
      name: 'takes the right to release away from what was found, lost and came back',
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: [A] })],
        claims: [claim(A, { on: 'eni-1' })],
        ledger: [entry(A, 'eni-1', 'lost', { notOurs: true })],
      }),
      expected: [`${A} assigned`, `record ${A} found`],
    },
    {
      name: 'moves its own address to the ENI that the pod turns out to sit on',
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: [A] }), eni('eni-22')],
        claims: [claim(A, { on: 'eni-22' })],
        ledger: [entry(A, 'eni-1', 'held')],
      }),
      expected: [`assign ${A} to eni-22 taking over from eni-1`],
    },
    {
      name: 'assigns nothing before the first describe',
      snapshot: snapshot({ enis: [], describedAt: undefined, claims: [claim(A, { on: 'eni-1' })] }),
      expected: [],
    },
  ])('$name', check);

  it('waits out the pause of a failure, and not when the address appears again', () => {
    const failed = claim(A, { on: 'eni-1' });
    const backoff: Backoff = { reason: 'RejectedByEc2', message: 'no', until: NOW + 700, failures: 1 };
    const backoffs = new Map([[attemptKey(failed), backoff]]);

    expect(inWords(plan(snapshot({ claims: [failed], backoffs })))).toEqual([
      `${A} refused RejectedByEc2`,
      'trigger in 700',
    ]);
    const anew = { ...failed, since: NOW };
    expect(inWords(plan(snapshot({ claims: [anew], backoffs })))).toEqual([`assign ${A} to eni-1`]);
  });
});

describe('plan, which ENI', () => {
  const twins = [eni('eni-1'), eni('eni-22')];
  it.each<Row>([
    {
      name: 'goes by the MAC of the interface',
      snapshot: snapshot({ enis: twins, claims: [claim(A, { on: 'eni-22' })] }),
      expected: [`assign ${A} to eni-22`],
    },
    {
      name: 'goes by the host interface under it',
      snapshot: snapshot({ enis: twins, claims: [claim(A, { mac: '0a:00:00:00:00:01', masterMac: macOf('eni-22') })] }),
      expected: [`assign ${A} to eni-22`],
    },
    {
      name: 'goes by the subnet when one ENI is in it',
      snapshot: snapshot({
        enis: [eni('eni-1'), eni('eni-22', { network: '10.0.2.0/24', primary: '10.0.2.9' })],
        claims: [claim('10.0.2.10')],
      }),
      expected: ['assign 10.0.2.10 to eni-22'],
    },
    {
      name: 'refuses to guess between two ENIs of one subnet',
      snapshot: snapshot({ enis: twins, claims: [claim(A)] }),
      expected: [`${A} refused AmbiguousInterface`],
    },
    {
      name: 'leaves the address of an ending pod, whose interface is gone, where it is',
      snapshot: snapshot({
        enis: [eni('eni-1'), eni('eni-22', { holds: [A] })],
        claims: [claim(A)],
        ledger: [entry(A, 'eni-22', 'held')],
      }),
      expected: [`${A} assigned`],
    },
    ...[
      { of: 'another pod', about: { pod: 'before' } },
      { of: 'another interface', about: { interface: 'net2' } },
    ].map(({ of, about }) => ({
      name: `refuses to guess by what was put there for ${of}`,
      snapshot: snapshot({
        enis: [eni('eni-1'), eni('eni-22', { holds: [A] })],
        claims: [claim(A)],
        ledger: [entry(A, 'eni-22', 'held', about)],
      }),
      expected: [`${A} refused AmbiguousInterface`],
    })),
    {
      name: 'refuses an address outside the subnet of its ENI',
      snapshot: snapshot({ claims: [claim('10.0.9.10', { on: 'eni-1' })] }),
      expected: ['10.0.9.10 refused OutsideSubnet'],
    },
    {
      name: 'refuses an address of no subnet here',
      snapshot: snapshot({ claims: [claim('10.0.9.10')] }),
      expected: ['10.0.9.10 refused NoMatchingInterface'],
    },
    {
      name: 'describes first when a claim is younger than the facts and fits nothing',
      snapshot: snapshot({ claims: [claim('10.0.9.10', { since: NOW })], describedAt: NOW - 1 }),
      expected: ['describe'],
    },
    {
      name: 'describes first when the host interface belongs to an unknown ENI, though the subnet would fit',
      snapshot: snapshot({ claims: [claim(A, { masterMac: macOf('eni-99'), since: NOW })], describedAt: NOW - 1 }),
      expected: ['describe'],
    },
    ...[
      { of: 'the primary ENI', nature: { deviceIndex: 0 } },
      { of: 'an ENI of the VPC CNI', nature: { description: 'aws-K8S-i-1' } },
      { of: 'a trunk', nature: { interfaceType: 'trunk' } },
      { of: 'an ENI of a service', nature: { requesterManaged: true } },
    ].flatMap(({ of, nature }) =>
      [{ on: 'eni-1' }, {}].map((place) => ({
        name: `puts nothing on ${of}, ${'on' in place ? 'under the interface' : 'the only one of the subnet'}`,
        snapshot: snapshot({ enis: [{ ...eni('eni-1'), ...nature }], claims: [claim(A, place)] }),
        expected: [`${A} refused ProtectedInterface`],
      })),
    ),
    {
      name: 'refuses the primary address of an ENI',
      snapshot: snapshot({ claims: [claim('10.0.1.105', { on: 'eni-1' })] }),
      expected: ['10.0.1.105 refused PrimaryAddress'],
    },
    ...['10.0.1.0', '10.0.1.3', '10.0.1.255', '2001:db8::3'].map((reserved) => ({
      name: `refuses ${reserved}, which AWS keeps`,
      snapshot: snapshot({ claims: [claim(reserved, { on: 'eni-1' })] }),
      expected: [`${reserved} refused ReservedAddress`],
    })),
    {
      name: 'serves both families side by side',
      snapshot: snapshot({ claims: [claim(A, { on: 'eni-1' }), claim('2001:db8::10', { on: 'eni-1' })] }),
      expected: [`assign ${A} to eni-1`, 'assign 2001:db8::10 to eni-1'],
    },
    {
      name: 'counts an address inside a delegated prefix as there',
      snapshot: snapshot({
        enis: [{ ...eni('eni-1'), prefixes: [cidr('10.0.1.16/28')] }],
        claims: [claim('10.0.1.20', { on: 'eni-1' })],
      }),
      expected: ['10.0.1.20 assigned', 'record 10.0.1.20 found'],
    },
    {
      name: 'gives a duplicate to the pod where it appeared last, and tells the other',
      snapshot: snapshot({
        enis: twins,
        claims: [
          claim(A, { on: 'eni-1', pod: 'old', since: NOW - 9 }),
          claim(A, { on: 'eni-22', pod: 'new', since: NOW - 5 }),
        ],
      }),
      expected: [`assign ${A} to eni-22`, `${A} refused DuplicateAddress`],
    },
  ])('$name', check);
});

describe('plan, limits and releases', () => {
  const ABSENT = { enis: [eni('eni-1')] };
  const idle = (
    state: 'held' | 'found' | 'lost' | 'assigning',
    idleForMs: number,
    more: Parameters<typeof snapshot>[0] = {},
  ) =>
    snapshot({
      enis: [eni('eni-1', { holds: [A] })],
      ledger: [entry(A, 'eni-1', state)],
      idleSince: { [A]: NOW - idleForMs },
      ...more,
    });
  it.each<Row>([
    { name: 'waits for the end of the cool-down', snapshot: idle('held', 10_000), expected: ['trigger in 20000'] },
    { name: 'releases after it', snapshot: idle('held', 30_000), expected: [`unassign ${A} from eni-1`] },
    {
      name: 'describes before it releases',
      snapshot: idle('held', 40_000, { describedAt: NOW - 10_001 }),
      expected: ['describe'],
    },
    { name: 'forgets what it only found', snapshot: idle('found', 40_000), expected: [`forget ${A}`] },
    {
      name: 'forgets at once what it found, lost and sees no more',
      snapshot: idle('lost', 0, { ...ABSENT, ledger: [entry(A, 'eni-1', 'lost', { notOurs: true })] }),
      expected: [`forget ${A}`],
    },
    {
      name: 'releases what it had lost from sight and sees again',
      snapshot: idle('lost', 30_000),
      expected: [`unassign ${A} from eni-1`],
    },
    ...(['held', 'assigning', 'lost'] as const).flatMap((state): Row[] => [
      {
        name: `does not forget what is ${state} because one describe leaves it out`,
        snapshot: idle(state, 40_000, { ...ABSENT, missingSince: { [A]: NOW } }),
        expected: ['trigger in 60000'],
      },
      {
        name: `looks again before it forgets what is ${state}`,
        snapshot: idle(state, 70_000, { ...ABSENT, missingSince: { [A]: NOW - 60_000 }, describedAt: NOW - 10_000 }),
        expected: ['describe'],
      },
      {
        name: `forgets what is ${state} when a describe asked for well after leaves it out too`,
        snapshot: idle(state, 70_000, { ...ABSENT, missingSince: { [A]: NOW - 60_000 } }),
        expected: [`forget ${A}`],
      },
    ]),
    {
      name: 'keeps what is on a detached ENI, without asking for it',
      snapshot: idle('held', 3_600_000, { enis: [eni('eni-22')], missingSince: { [A]: NOW - 3_600_000 } }),
      expected: [],
    },
    {
      name: 'forgets what is on an ENI that stays away for a day',
      snapshot: idle('held', 86_400_000, { enis: [eni('eni-22')], missingSince: { [A]: NOW - 86_400_000 } }),
      expected: [`forget ${A}`],
    },
    {
      name: 'lets releases wait for each other rather than describe for each of them',
      snapshot: idle('held', 30_000, { describedAt: NOW - 1_000 }),
      expected: ['trigger in 4000'],
    },
    {
      name: 'releases while a new namespace is being read what was due before it appeared',
      snapshot: idle('held', 30_200, { claimsComplete: false, hiddenSince: NOW - 100 }),
      expected: [`unassign ${A} from eni-1`],
    },
    {
      name: 'waits for a namespace that appeared during the cool-down',
      snapshot: idle('held', 30_000, { claimsComplete: false, hiddenSince: NOW - 100 }),
      expected: ['trigger in 5000'],
    },
    {
      name: 'releases nothing while a namespace cannot be read, and looks again',
      snapshot: idle('held', 90_000, { claimsComplete: false, hiddenSince: NOW - 5_001 }),
      expected: ['trigger in 5000'],
    },
    {
      name: 'never touches a primary address, whatever the ledger says',
      snapshot: snapshot({
        ledger: [entry('10.0.1.105', 'eni-1', 'held')],
        idleSince: { '10.0.1.105': NOW - 90_000 },
      }),
      expected: ['forget 10.0.1.105'],
    },
    {
      name: "never touches an address that the ENI's subnet does not have, whatever the ledger says",
      snapshot: snapshot({
        enis: [eni('eni-1', { holds: ['10.9.9.9'] })],
        ledger: [entry('10.9.9.9', 'eni-1', 'held')],
        idleSince: { '10.9.9.9': NOW - 90_000 },
      }),
      expected: ['forget 10.9.9.9'],
    },
    {
      name: 'never touches an ENI that is not on this node, whatever the ledger says',
      snapshot: snapshot({
        ledger: [entry(A, 'eni-other', 'held')],
        idleSince: { [A]: NOW - 90_000 },
      }),
      expected: [],
    },
    {
      name: 'releases an unanswered assignment that did show up',
      snapshot: idle('assigning', 30_000),
      expected: [`unassign ${A} from eni-1`],
    },
    {
      name: 'releases nothing while a source is blind',
      snapshot: idle('held', 40_000, { claimsComplete: false }),
      expected: [],
    },
    { name: 'releases nothing that is in a call', snapshot: idle('held', 40_000, { inFlight: [ip(A)] }), expected: [] },
    {
      name: 'never releases under --release=never',
      snapshot: idle('held', 40_000, { policy: { ...ANY, release: 'never' } }),
      expected: [],
    },
    {
      name: 'never releases what a namespace of no known pod still uses',
      snapshot: idle('held', 40_000, { inUse: new Set([ip(A)]) }),
      expected: [],
    },
    {
      name: 'asks nothing of EC2 for an address that comes and goes',
      snapshot: snapshot({ claims: [{ ...claim(A, { on: 'eni-1', kind: 'floating' }), calmAt: NOW + 1 }] }),
      expected: ['trigger in 1'],
    },
    {
      name: 'refuses what does not fit, the latest first',
      snapshot: snapshot({
        enis: [eni('eni-1', { limit: 2 })],
        claims: [claim(A, { on: 'eni-1', since: NOW - 5 }), claim('10.0.1.11', { on: 'eni-1', since: NOW - 9 })],
      }),
      expected: ['assign 10.0.1.11 to eni-1', `${A} refused AddressLimitExceeded`],
    },
    {
      name: 'gives the last slot to a failover',
      snapshot: snapshot({
        enis: [eni('eni-1', { limit: 2 })],
        claims: [
          claim(A, { on: 'eni-1', kind: 'floating', since: NOW - 5 }),
          claim('10.0.1.11', { on: 'eni-1', since: NOW - 9 }),
        ],
      }),
      expected: [`assign ${A} to eni-1 at once`, '10.0.1.11 refused AddressLimitExceeded', `look up ${A} to take it`],
    },
    {
      name: 'cuts a cool-down short when the ENI is full and an address waits',
      snapshot: idle('held', 1_000, {
        enis: [eni('eni-1', { holds: [A], limit: 2 })],
        claims: [claim('10.0.1.11', { on: 'eni-1' })],
      }),
      expected: [`unassign ${A} from eni-1`, '10.0.1.11 refused AddressLimitExceeded'],
    },
    {
      name: 'leaves the limit to EC2 when it is not known',
      snapshot: snapshot({
        enis: [{ ...eni('eni-1'), limits: { ipv4: undefined, ipv6: undefined } }],
        claims: [claim(A, { on: 'eni-1' })],
      }),
      expected: [`assign ${A} to eni-1`],
    },
  ])('$name', check);
});
