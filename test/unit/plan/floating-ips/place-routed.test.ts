import { describe, expect, it } from 'vitest';
import { floatingIpOf } from '../../../../lib/model/floating-ips/floating-ip.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { placeRouted } from '../../../../lib/plan/floating-ips/place-routed.ts';
import { eni } from '../routed-ips/routes.ts';

const VIP = { address: ip('10.99.0.201'), prefixLength: 32 };
const PRIMARY = eni('eni-0', { deviceIndex: 0, tags: {} });
const [OWN, ANOTHER] = [eni('eni-1'), eni('eni-2', { deviceIndex: 2 })];
const CNI = eni('eni-2', { deviceIndex: 2, tags: { 'node.k8s.amazonaws.com/instance_id': 'i-1' } });
const devices = new Map([0, 1, 2].map((index) => [`02:00:00:00:00:0${index}`, `eth${index}`]));
const aliases = new Map([['multus', 'eth2']]);

describe('where route tables lead an address of a node', () => {
  it.each([
    ['the only ENI that is not protected', [PRIMARY, OWN], undefined, 'eni-1 eth1'],
    ['of two the one that is named', [PRIMARY, OWN, ANOTHER], 'eth2', 'eni-2 eth2'],
    ['of two the one with the alternative name of a NodeENI', [PRIMARY, OWN, ANOTHER], 'multus', 'eni-2 eth2'],
    ['of two none unasked', [OWN, ANOTHER], undefined, 'AmbiguousInterface'],
    ['not the primary one unasked', [PRIMARY], undefined, 'ProtectedInterface'],
    ['the primary one where it is named', [PRIMARY, OWN], 'eth0', 'eni-0 eth0'],
    ['never one of the VPC CNI, also when it is named', [CNI, OWN], 'eth2', 'ProtectedInterface'],
    ['not to an interface that is none of an ENI', [OWN], 'eth7', 'NoMatchingInterface'],
    ['not to an ENI that has been given away whole', [eni('eni-9')], undefined, 'NoMatchingInterface'],
  ])('%s', (_rule, enis, wanted, expected) => {
    const place = placeRouted(VIP, { enis, devices, aliases, wanted });
    expect('reason' in place ? place.reason : `${place.eni} ${place.device}`).toBe(expected);
  });

  it('not at all when the address lies in the subnet of an ENI of the node', () => {
    const own = { ...VIP, address: ip('10.0.1.77') };
    expect(placeRouted(own, { enis: [OWN], devices, wanted: undefined })).toMatchObject({ reason: 'NotRoutable' });
  });
});

describe('spec.routeTables', () => {
  const read = (spec: object) =>
    floatingIpOf({ metadata: { name: 'web' }, spec: { addresses: ['10.99.0.1'], ...spec } });

  it('is read in the words of the annotation', () => {
    expect(read({ routeTables: ['rtb-1', 'tag:team=edge', '*'] })).toMatchObject({
      faults: [],
      routeTables: [{ kind: 'id', id: 'rtb-1' }, { kind: 'tag', key: 'team', value: 'edge' }, { kind: 'all' }],
    });
  });

  it.each([
    [{ routeTables: ['main'] }, /"main" names no route table/],
    [{ routeTables: ['*'], elasticIP: 'auto' }, /spec.elasticIP is not possible/],
    [{ routeTables: Array.from({ length: 65 }, (_, index) => `rtb-${index}`) }, /more than 64/],
  ])('is refused: %j', (spec, fault) => {
    expect(read(spec)?.faults.join('; ')).toMatch(fault);
  });
});
