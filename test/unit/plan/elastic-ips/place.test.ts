import { describe, expect, it } from 'vitest';
import type { ClaimKind } from '../../../../lib/model/addresses/claim.ts';
import { NETWORK_STATUS_KEY } from '../../../../lib/model/addresses/network-status.ts';
import type { ClaimStatus } from '../../../../lib/model/addresses/plan.ts';
import type { ElasticIpClaim } from '../../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../../lib/model/ip.ts';
import type { Pod } from '../../../../lib/model/pod.ts';
import { type EipSurroundings, placeEip } from '../../../../lib/plan/elastic-ips/place.ts';
import { claim } from './snapshots.ts';

const NET1 = claim('p', { kind: 'allocate', pool: 'amazon' }, { kind: 'interface', name: 'net1' });

function pod(networks?: readonly { interface: string; ips: readonly string[] }[]): Pod {
  return {
    namespace: 'default',
    name: 'p',
    uid: 'uid-p',
    nodeName: 'n',
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    podIps: [ip('10.0.0.9')],
    labels: {},
    annotations: {
      'k8s.v1.cni.cncf.io/networks': 'net-a',
      ...(networks && {
        [NETWORK_STATUS_KEY]: JSON.stringify(networks.map((one) => ({ name: 'default/net-a', ...one }))),
      }),
    },
    conditions: [],
    finalizers: [],
  };
}

function assigned(address: string, kind: ClaimKind, more: { name?: string; unconfirmed?: true } = {}): ClaimStatus {
  const { name = 'p', ...rest } = more;
  const holder = { namespace: 'default', name, uid: `uid-${name}` };
  const about = { interface: 'net1', mac: undefined, masterMac: undefined, since: 0, ...rest };
  return { claim: { address: ip(address), kind, holder, ...about }, state: 'assigned', eni: 'eni-1' };
}

function place(of: Pod, addresses: readonly ClaimStatus[], request: ElasticIpClaim = NET1) {
  const around: EipSurroundings = {
    enis: [],
    describedAt: 1,
    addresses,
    eips: [],
    branches: new Map(),
    addressSince: 0,
    assignedSince: new Map(),
  };
  const found = placeEip(request, of, around);
  return found.state === 'ready' ? found.privateIp : found.state === 'impossible' ? found.refusal.reason : found.state;
}

describe('the Elastic IP of an interface', () => {
  it.each([
    {
      name: 'stays on its own address when a floating one sorts first',
      of: pod([{ interface: 'net1', ips: ['10.0.9.50'] }]),
      addresses: [assigned('10.0.1.1', 'floating'), assigned('10.0.9.50', 'ipam')],
      expected: '10.0.9.50',
    },
    {
      name: 'stays on its own address when a live one sorts first',
      of: pod([{ interface: 'net1', ips: ['10.0.9.50'] }]),
      addresses: [assigned('10.0.1.1', 'live'), assigned('10.0.9.50', 'ipam')],
      expected: '10.0.9.50',
    },
    {
      name: 'takes the first of several in network-status, not in the alphabet',
      of: pod([{ interface: 'net1', ips: ['fd00::1', '10.0.9.50', '10.0.1.1'] }]),
      addresses: [assigned('10.0.1.1', 'ipam'), assigned('10.0.9.50', 'ipam')],
      expected: '10.0.9.50',
    },
    {
      name: 'is ready before network-status when only one address was given',
      of: pod(),
      addresses: [assigned('10.0.1.1', 'floating'), assigned('10.0.9.50', 'ipam')],
      expected: '10.0.9.50',
    },
    {
      name: 'waits for network-status when several were given',
      of: pod(),
      addresses: [assigned('10.0.1.1', 'ipam'), assigned('10.0.9.50', 'ipam')],
      expected: 'awaited',
    },
    {
      name: 'waits for its own address while only a floating one is assigned',
      of: pod([{ interface: 'net1', ips: ['10.0.9.50'] }]),
      addresses: [assigned('10.0.1.1', 'floating')],
      expected: 'awaited',
    },
    {
      name: 'is refused where IPAM gave no IPv4 address',
      of: pod([{ interface: 'net1', ips: ['fd00::1'] }]),
      addresses: [assigned('10.0.1.1', 'floating')],
      expected: 'EipTargetMissing',
    },
    {
      name: 'is refused where there is no such interface',
      of: pod([{ interface: 'net2', ips: ['10.0.9.50'] }]),
      addresses: [],
      expected: 'EipTargetMissing',
    },
  ])('$name', ({ of, addresses, expected }) => {
    expect(place(of, addresses)).toBe(expected);
    expect(place(of, addresses.toReversed())).toBe(expected);
  });
});

describe('the Elastic IP of an address that another pod of the node has', () => {
  const VICTIM = '10.0.9.50';
  const OF_ADDRESS = claim('p', { kind: 'allocate', pool: 'amazon' }, { kind: 'address', address: ip(VICTIM) });
  const victim = assigned(VICTIM, 'ipam', { name: 'victim' });
  const lying = pod([{ interface: 'net1', ips: [VICTIM] }]);

  it.each<[string, readonly ClaimStatus[], ElasticIpClaim, string]>([
    ['is not for a pod that only names it', [victim], OF_ADDRESS, 'elsewhere'],
    ['nor for one that has added it to itself', [victim, assigned(VICTIM, 'live')], OF_ADDRESS, 'EipTargetMissing'],
    ['nor for one that declares it', [victim, assigned(VICTIM, 'floating')], OF_ADDRESS, 'EipTargetMissing'],
    [
      'nor for one that lists it in its own network-status',
      [victim, assigned(VICTIM, 'ipam', { unconfirmed: true })],
      NET1,
      'EipTargetMissing',
    ],
    [
      'but is for the last of two that float it',
      [assigned(VICTIM, 'floating', { name: 'victim' }), assigned(VICTIM, 'floating')],
      OF_ADDRESS,
      VICTIM,
    ],
    [
      'and for the one to which IPAM gave it, whoever lists it',
      [assigned(VICTIM, 'ipam', { name: 'liar', unconfirmed: true }), assigned(VICTIM, 'ipam')],
      NET1,
      VICTIM,
    ],
  ])('%s', (_what, addresses, request, expected) => {
    const of = request === NET1 ? lying : pod([{ interface: 'net1', ips: ['10.0.9.51'] }]);

    expect(place(of, addresses, request)).toBe(expected);
    expect(place(of, addresses.toReversed(), request)).toBe(expected);
  });
});
