import { describe, expect, it } from 'vitest';
import { floatingIpOf } from '../../../../lib/model/floating-ips/floating-ip.ts';
import {
  type AddressRecord,
  FLOATING_TIMING,
  type FloatingIpView,
  type FloatingSnapshot,
} from '../../../../lib/model/floating-ips/plan.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { routedClaims } from '../../../../lib/plan/floating-ips/routed-claims.ts';
import { eni } from '../routed-ips/routes.ts';

const NOW = 1_000_000;
const VIP = ip('10.99.0.201');
const OWN = eni('eni-1');
const RECORD: AddressRecord = {
  address: VIP,
  prefixLength: 32,
  device: 'eth1',
  floatingIp: 'web',
  eni: OWN.id,
  acquisition: 7,
  state: 'taken',
  routed: true,
};

/** This node has had the Lease for a while, and has renewed it just now. */
function held(more: Partial<FloatingIpView> = {}, spec: object = { routeTables: ['rtb-1'] }): FloatingIpView {
  return {
    ip: floatingIpOf({ metadata: { name: 'web', uid: 'u' }, spec: { addresses: [VIP], ...spec } })!,
    deletedAt: undefined,
    lease: { holder: 'me', durationMs: 3_000, acquisition: 7, changedAt: NOW - 60_000, since: '' },
    renewedAt: NOW - 100,
    leaseRetryAt: 0,
    configured: [],
    records: new Map([[VIP, RECORD]]),
    takenAt: new Map(),
    backoffs: new Map(),
    unfit: undefined,
    elasticIp: undefined,
    heldSince: 0,
    successor: undefined,
    ...more,
  };
}

function claimsOf(view: FloatingIpView, more: Partial<FloatingSnapshot> = {}) {
  return routedClaims({
    now: NOW,
    timing: FLOATING_TIMING,
    node: { name: 'me', labels: {}, cordoned: false, ready: 'True', readySince: 0 },
    leaving: undefined,
    fitSince: 0,
    stopping: false,
    enis: [OWN],
    describedAt: NOW - 1_000,
    devices: new Map([[OWN.mac, 'eth1']]),
    podAddresses: new Map(),
    items: [view],
    jitter: 0,
    ...more,
  });
}

describe('what FloatingIPs ask of route tables', () => {
  it('is one claim for each acquisition of the Lease', () => {
    const { drafts, declared, complete } = claimsOf(held());
    expect(drafts).toMatchObject([{ address: VIP, interface: 'eth1', mac: OWN.mac, leased: true }]);
    expect(drafts[0]).not.toHaveProperty('inPlace');
    expect([declared, complete]).toEqual([[{ kind: 'id', id: 'rtb-1' }], true]);
    const next = held({
      lease: { ...held().lease!, acquisition: 8 },
      records: new Map([[VIP, { ...RECORD, acquisition: 8 }]]),
    });
    expect(claimsOf(next).drafts[0]?.holder.uid).not.toBe(drafts[0]?.holder.uid);
  });

  it('takes nothing from anybody while the hold is in doubt', () => {
    expect(claimsOf(held({ renewedAt: undefined })).drafts).toMatchObject([{ leased: true, inPlace: true }]);
  });

  it.each([
    ['another node has the Lease', held({ lease: { ...held().lease!, holder: 'other', changedAt: NOW } }), {}],
    ['what was recorded is of an earlier acquisition', held({ lease: { ...held().lease!, acquisition: 8 } }), {}],
    ['the object was deleted', held({ deletedAt: NOW }), {}],
    [
      'the node is cordoned',
      held(),
      { node: { name: 'me', labels: {}, cordoned: true, ready: 'True', readySince: 0 } } as const,
    ],
  ])('is nothing when %s', (_when, view, more) => {
    expect(claimsOf(view, more)).toMatchObject({ drafts: [], complete: true });
  });

  it.each([
    ['the Lease has not been read', held({ lease: undefined }), {}],
    ['the ENIs have not been described', held(), { describedAt: undefined }],
    [
      'the labels of the node are not known',
      held({}, { routeTables: ['rtb-1'], nodeSelector: { ingress: 'yes' } }),
      { node: { name: 'me', labels: undefined, cordoned: false, ready: 'True', readySince: 0 } } as const,
    ],
  ])('is not known while %s', (_while, view, more) => {
    expect(claimsOf(view, more)).toMatchObject({ drafts: [], complete: false });
  });

  it('does not concern objects without route tables', () => {
    expect(claimsOf(held({}, {}))).toEqual({ drafts: [], declared: [], complete: true });
  });
});
