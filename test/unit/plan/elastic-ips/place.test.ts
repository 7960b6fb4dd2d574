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

function assigned(address: string, kind: ClaimKind): ClaimStatus {
  const holder = { namespace: 'default', name: 'p', uid: 'uid-p' };
  const about = { interface: 'net1', mac: undefined, masterMac: undefined, since: 0 };
  return { claim: { address: ip(address), kind, holder, ...about }, state: 'assigned', eni: 'eni-1' };
}

function place(of: Pod, addresses: readonly ClaimStatus[], wish: ElasticIpClaim = NET1) {
  const around: EipSurroundings = {
    enis: [],
    describedAt: 1,
    addresses,
    eips: [],
    branches: new Map(),
    addressSince: 0,
    assignedSince: new Map(),
  };
  const found = placeEip(wish, of, around);
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
