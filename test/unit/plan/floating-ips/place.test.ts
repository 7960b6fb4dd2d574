import { describe, expect, it } from 'vitest';
import type { Eni } from '../../../../lib/model/eni.ts';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import { placeAddress } from '../../../../lib/plan/floating-ips/place.ts';

const VIP = { address: ip('10.0.0.201'), prefixLength: 32 };

function eni(deviceIndex: number, overrides: Partial<Eni> = {}): Eni {
  return {
    id: `eni-${deviceIndex}`,
    mac: `02:00:00:00:00:0${deviceIndex}`,
    deviceIndex,
    networkCard: 0,
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: {},
    subnetId: 'subnet-1',
    vpcId: 'vpc-1',
    cidrs: [cidr('10.0.0.0/24')],
    addresses: [{ ip: ip(`10.0.0.1${deviceIndex}`), primary: true }],
    prefixes: [],
    limits: { ipv4: 10, ipv6: 10 },
    ...overrides,
  };
}

const PRIMARY = eni(0);
const CNI = eni(1, { description: 'aws-K8S-i-1' });
const OWN = eni(2);
const ELSEWHERE = { cidrs: [cidr('10.0.9.0/24')] };
const devices = new Map([0, 1, 2].map((index) => [`02:00:00:00:00:0${index}`, `eth${index}`]));
const aliases = new Map([['multus', 'eth2']]);

describe('placeAddress for a FloatingIP', () => {
  it.each([
    ['an own ENI, whatever else is in the subnet', [PRIMARY, CNI, OWN], undefined, 'eni-2 eth2'],
    ['not the primary ENI unasked', [PRIMARY], undefined, 'ProtectedInterface'],
    ['not an ENI of the VPC CNI unasked', [CNI], undefined, 'ProtectedInterface'],
    [
      'not a protected one because ours is in another subnet',
      [PRIMARY, eni(2, ELSEWHERE)],
      undefined,
      'ProtectedInterface',
    ],
    ['the primary ENI by name', [PRIMARY, OWN], 'eth0', 'eni-0 eth0'],
    ['an ENI by the alternative name of its interface', [PRIMARY, eni(1), OWN], 'multus', 'eni-2 eth2'],
    ['an ENI of the VPC CNI by name', [CNI, OWN], 'eth1', 'eni-1 eth1'],
    [
      'one of the VPC CNI that is told to keep off',
      [eni(1, { ...CNI, tags: { 'node.k8s.amazonaws.com/no_manage': 'true' } })],
      undefined,
      'eni-1 eth1',
    ],
  ])('%s', (_rule, enis, wanted, expected) => {
    const place = placeAddress(VIP, { enis, devices, aliases, wanted });

    expect('reason' in place ? place.reason : `${place.eni} ${place.device}`).toBe(expected);
  });

  it('names the protected ENI, why, and the way to have it there all the same', () => {
    expect(placeAddress(VIP, { enis: [PRIMARY], devices, wanted: undefined })).toMatchObject({
      message: expect.stringMatching(/eni-0 is the primary ENI.*set spec.interface to eth0/),
    });
  });
});

describe('placeAddress for the NodePort helper', () => {
  it.each([
    ['the primary ENI first', [OWN, CNI, PRIMARY], undefined, 'eni-0 eth0'],
    ['else one that nobody else manages', [CNI, OWN, eni(0, ELSEWHERE)], undefined, 'eni-2 eth2'],
    ['else any', [CNI], undefined, 'eni-1 eth1'],
    ['the one that is named', [PRIMARY, CNI, OWN], 'eth2', 'eni-2 eth2'],
  ])('%s', (_rule, enis, wanted, expected) => {
    const place = placeAddress(VIP, { enis, devices, wanted, preferPrimary: true });

    expect('reason' in place ? place.reason : `${place.eni} ${place.device}`).toBe(expected);
  });
});
