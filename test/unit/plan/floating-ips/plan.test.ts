import { describe, expect, it } from 'vitest';
import type { Eni } from '../../../../lib/model/eni.ts';
import { floatingIpOf } from '../../../../lib/model/floating-ips/floating-ip.ts';
import {
  type AddressRecord,
  FLOATING_TIMING,
  type FloatingIpView,
  type FloatingSnapshot,
  type FloatingStep,
} from '../../../../lib/model/floating-ips/plan.ts';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import { planFloating } from '../../../../lib/plan/floating-ips/plan.ts';

const NOW = 1_000_000;
const VIP = ip('10.0.0.201');
const PLACE = { address: VIP, prefixLength: 32, device: 'eth0' };
const RECORD: AddressRecord = { ...PLACE, floatingIp: 'web', eni: 'eni-1', acquisition: 7, state: 'taken' };

function eni(addresses: readonly string[] = []): Eni {
  return {
    id: 'eni-1',
    mac: '02:00:00:00:00:01',
    deviceIndex: 1,
    networkCard: 0,
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: {},
    subnetId: 'subnet-1',
    vpcId: 'vpc-1',
    cidrs: [cidr('10.0.0.0/24')],
    addresses: [{ ip: ip('10.0.0.10'), primary: true }, ...addresses.map((text) => ({ ip: ip(text), primary: false }))],
    prefixes: [],
    limits: { ipv4: 10, ipv6: 10 },
  };
}

function view(overrides: Partial<FloatingIpView> = {}): FloatingIpView {
  const object = floatingIpOf({
    metadata: { name: 'web', uid: 'u', generation: 1 },
    spec: { addresses: [VIP], nodeSelector: { ingress: 'yes' } },
  });
  if (object === undefined) throw new Error('not an object');
  return {
    ip: object,
    deletedAt: undefined,
    lease: undefined,
    renewedAt: undefined,
    leaseRetryAt: 0,
    configured: [],
    records: new Map(),
    takenAt: new Map(),
    backoffs: new Map(),
    unfit: undefined,
    elasticIp: undefined,
    heldSince: NOW - 60_000,
    successor: undefined,
    ...overrides,
  };
}

const lease = (holder: string, age = 100, durationMs = 3_000) => ({
  holder,
  durationMs,
  acquisition: 7,
  changedAt: NOW - age,
  since: '2026-01-03T12:00:00Z',
});

function snapshot(item: FloatingIpView, overrides: Partial<FloatingSnapshot> = {}): FloatingSnapshot {
  return {
    now: NOW,
    timing: FLOATING_TIMING,
    node: { name: 'me', labels: { ingress: 'yes' }, cordoned: false, ready: 'True', readySince: 0 },
    leaving: undefined,
    fitSince: 0,
    stopping: false,
    enis: [eni([VIP])],
    describedAt: NOW - 1_000,
    devices: new Map([['02:00:00:00:00:01', 'eth0']]),
    podAddresses: new Map(),
    items: [item],
    jitter: 0,
    ...overrides,
  };
}

function brief(step: FloatingStep): string {
  switch (step.kind) {
    case 'take':
      return `take ${step.places.map(({ address, eni: id }) => `${address} to ${id}`).join(' ')}${step.takeover ? ' by force' : ''}`;
    case 'add':
    case 'remove':
      return `${step.kind} ${step.place.address} ${step.place.device}`;
    case 'record':
      return `record ${step.record.state}`;
    case 'release':
      return `release: ${step.why.reason}`;
    case 'write-status':
      return `status ${step.status.ready ? 'ready' : step.status.reason}`;
    case 'read':
    case 'find-successor':
    case 'acquire':
    case 'renew':
    case 'park':
    case 'unassign':
    case 'forget':
    case 'bind':
    case 'unbind':
      return step.kind;
  }
}

const records = new Map([[VIP, RECORD]]);
const serving = {
  lease: lease('me'),
  renewedAt: NOW - 100,
  configured: [PLACE],
  records,
  takenAt: new Map([[VIP, NOW - 60_000]]),
};
const unknown = {
  node: { name: 'me', labels: { ingress: 'yes' }, cordoned: false, ready: 'Unknown', readySince: NOW - 10_000 },
} as const;
const cordoned = {
  node: { name: 'me', labels: { ingress: 'yes' }, cordoned: true, ready: 'True', readySince: 0 },
} as const;

type Row = readonly [
  situation: string,
  view: Partial<FloatingIpView>,
  rest: Partial<FloatingSnapshot>,
  steps: readonly string[],
];

const TABLE: readonly Row[] = [
  ['nothing is known of the Lease', {}, {}, ['read']],
  ['the Lease was never taken', { lease: lease('', 5_000) }, {}, ['acquire']],
  ['another node holds it', { lease: lease('other') }, {}, []],
  [
    'another node holds it and our interface has it: first thing',
    { lease: lease('other'), configured: [PLACE], records },
    {},
    ['remove 10.0.0.201 eth0'],
  ],
  ['another holder has been silent for the whole lease', { lease: lease('other', 3_000) }, {}, ['acquire']],
  ['another holder has parked', { lease: lease('other', 10_000, 30_000) }, {}, []],
  [
    'our hold ended while the address was on',
    { lease: lease('other', 3_500), configured: [PLACE], records },
    {},
    ['remove 10.0.0.201 eth0'],
  ],
  [
    'we hold it afresh: EC2 before the interface',
    { lease: lease('me'), renewedAt: NOW - 100 },
    {},
    ['take 10.0.0.201 to eni-1 by force'],
  ],
  ['EC2 has accepted: now the interface', { ...serving, configured: [] }, {}, ['add 10.0.0.201 eth0']],
  ['all is done: the object is reported', serving, {}, ['status ready']],
  ['a renewal is due', { ...serving, renewedAt: NOW - 1_000 }, {}, ['renew', 'status ready']],
  [
    'we may have been asleep: renew before anything that EC2 hears',
    { ...serving, renewedAt: NOW - 4_000, records: new Map() },
    {},
    ['renew'],
  ],
  ['an agent that starts again finds its own Lease', { ...serving, renewedAt: undefined }, {}, ['renew']],
  [
    'the API server is away and EC2 still has it here: go on',
    { ...serving, renewedAt: NOW - 60_000, leaseRetryAt: NOW + 500 },
    {},
    [],
  ],
  [
    'the API server is away and EC2 has moved it: stand down',
    { ...serving, lease: lease('me', 60_000), renewedAt: NOW - 60_000, leaseRetryAt: NOW + 500 },
    { enis: [eni()] },
    ['remove 10.0.0.201 eth0'],
  ],
  [
    'EC2 gave it to somebody else although we hold the Lease',
    serving,
    { enis: [eni()] },
    ['record lost', 'status ready'],
  ],
  [
    'it is lost: off the interface, asked for without force',
    { ...serving, records: new Map([[VIP, { ...RECORD, state: 'lost' }]]) },
    { enis: [eni()] },
    ['remove 10.0.0.201 eth0', 'take 10.0.0.201 to eni-1', 'status HeldElsewhere'],
  ],
  [
    'a lost one has come back',
    { ...serving, records: new Map([[VIP, { ...RECORD, state: 'lost' }]]) },
    {},
    ['record taken', 'status HeldElsewhere'],
  ],
  [
    'a call was cut off',
    { ...serving, configured: [], records: new Map([[VIP, { ...RECORD, state: 'taking' }]]) },
    {},
    ['take 10.0.0.201 to eni-1 by force'],
  ],
  [
    'another acquisition has another right to a takeover',
    { ...serving, configured: [], records: new Map([[VIP, { ...RECORD, acquisition: 6 }]]) },
    {},
    ['take 10.0.0.201 to eni-1 by force'],
  ],
  ['the node is cordoned: stop before release', serving, cordoned, ['remove 10.0.0.201 eth0']],
  [
    'the node is cordoned and the interface is clean',
    { ...serving, configured: [] },
    cordoned,
    ['release: NodeCordoned'],
  ],
  [
    'the object was deleted: EC2 gets the address back first',
    { ...serving, deletedAt: NOW - 10, configured: [] },
    {},
    ['unassign'],
  ],
  [
    'the object was deleted and all is given back',
    { ...serving, deletedAt: NOW - 10, configured: [], records: new Map() },
    {},
    ['release: Deleted'],
  ],
  [
    'the object was deleted and another node has made its Lease again: our address is ours to give back',
    { ...serving, deletedAt: NOW - 10, configured: [], lease: lease('other') },
    {},
    ['unassign'],
  ],
  [
    'another node has the Lease: it moves the address itself',
    { ...serving, configured: [], lease: lease('other') },
    {},
    ['forget'],
  ],
  ['the agent stops: park, nothing else', serving, { stopping: true }, ['park']],
  ['the agent stops and has parked', { ...serving, lease: lease('me', 100, 30_000) }, { stopping: true }, []],
  [
    'the agent stops on a cordoned node: hand over',
    serving,
    { ...cordoned, stopping: true },
    ['remove 10.0.0.201 eth0'],
  ],
  [
    'the node has not been read yet: a hold is kept',
    { ...serving, renewedAt: NOW - 1_500 },
    { node: { name: 'me', labels: undefined, cordoned: false, ready: 'True', readySince: 0 } },
    ['renew'],
  ],
  [
    'readiness is unknown for a moment',
    serving,
    { node: { ...cordoned.node, cordoned: false, ready: 'Unknown', readySince: NOW - 9_000 } },
    ['status ready'],
  ],
  [
    'readiness is unknown for long: serves on and asks for another',
    serving,
    unknown,
    ['status ready', 'find-successor'],
  ],
  [
    'no other node is ready: serves on',
    { ...serving, successor: { askedAt: NOW - 4_000, exists: false } },
    unknown,
    ['status ready'],
  ],
  [
    'no other node was ready: asks again',
    { ...serving, successor: { askedAt: NOW - 5_000, exists: false } },
    unknown,
    ['status ready', 'find-successor'],
  ],
  [
    'what was asked before the node was ready last is asked again',
    { ...serving, successor: { askedAt: NOW - 11_000, exists: true } },
    unknown,
    ['status ready', 'find-successor'],
  ],
  [
    'another node is ready: leaves the interface first',
    { ...serving, successor: { askedAt: NOW - 10, exists: true } },
    unknown,
    ['remove 10.0.0.201 eth0'],
  ],
  [
    'another node is ready: then gives the Lease up',
    { ...serving, configured: [], successor: { askedAt: NOW - 10, exists: true } },
    unknown,
    ['release: NodeNotReady'],
  ],
  [
    'taken while it was not ready, because no ready node did: stays',
    { ...serving, heldSince: NOW - 9_000, successor: { askedAt: NOW - 10, exists: true } },
    unknown,
    ['status ready'],
  ],
  [
    'a stopping agent on a node that is not ready hands over',
    serving,
    { ...unknown, stopping: true },
    ['remove 10.0.0.201 eth0'],
  ],
  ['free, not ready: leaves it to ready nodes', { lease: lease('', 4_900) }, unknown, []],
  ['free, and no ready node has taken it', { lease: lease('', 5_100) }, unknown, ['acquire']],
  [
    'a pod of the node claims it',
    { lease: lease('', 6_000) },
    { podAddresses: new Map([[VIP, 'ns/pod']]) },
    ['status DuplicateAddress'],
  ],
  [
    'the ENI is full',
    { lease: lease('', 6_000) },
    { enis: [{ ...eni(), limits: { ipv4: 1, ipv6: 1 } }] },
    ['status AddressLimitExceeded'],
  ],
  [
    'an address that somebody else configured is left alone on a node that is not selected',
    { lease: lease(''), configured: [PLACE] },
    { node: { ...cordoned.node, cordoned: false, labels: {} } },
    [],
  ],
];

describe('planFloating', () => {
  it.each(TABLE)('%s', (_situation, item, rest, steps) => {
    expect(planFloating(snapshot(view(item), rest)).steps.map(brief)).toEqual(steps);
  });

  it('never asks EC2 for anything but while the lease is held, whatever the age of the last renewal', () => {
    for (let age = 0; age < 10_000; age += 50) {
      const { steps } = planFloating(snapshot(view({ ...serving, renewedAt: NOW - age, records: new Map() })));
      expect(steps.some(({ kind }) => kind === 'take')).toBe(age < FLOATING_TIMING.leaseMs - FLOATING_TIMING.guardMs);
    }
  });

  it('triggers when another holder would have expired', () => {
    expect(planFloating(snapshot(view({ lease: lease('other', 1_000) }))).retryAt).toBe(NOW + 2_000);
  });

  it('triggers when a node that EC2 had refused may try again, which may be the only one left', () => {
    const unfit = { reason: 'Unauthorized', message: 'no', failures: 1 } as const;
    const retryAt = (until: number) =>
      planFloating(snapshot(view({ lease: lease('', 6_000), unfit: { ...unfit, until } }))).retryAt;

    expect(retryAt(NOW + 60_000)).toBe(NOW + 60_000);
  });
});
