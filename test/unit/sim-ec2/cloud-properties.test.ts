import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { Ec2Fault } from '../../../sim/ec2/ec2-fault.ts';
import { perform } from '../../../sim/ec2/endpoint.ts';
import { instanceTypes } from '../../../sim/ec2/instance-types.ts';
import { handClock } from './region.ts';

/** Properties worth asserting (facts appendix A), over random sequences of calls on a crowded little region. */

type Parameters = readonly (readonly [key: string, value: string])[];
interface Call {
  readonly action: string;
  readonly parameters: Parameters;
}

const eni = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('eni-a', 'eni-b', 'eni-c') },
  { weight: 1, arbitrary: fc.constant('eni-none') },
);
const address = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('10.0.1.20', '10.0.1.21') },
  { weight: 1, arbitrary: fc.constantFrom('10.0.1.5', '10.0.1.6', '10.0.1.3', '10.0.2.1') },
);
const address6 = fc.constantFrom('2001:db8::20', '2001:db8::21', '2001:db8::2');
const allocation = fc.constantFrom(...[1, 2, 3, 4].map((n) => `eipalloc-${String(n).padStart(17, '0')}`));
const association = fc.constantFrom(...[1, 2, 3, 4, 5].map((n) => `eipassoc-${String(n).padStart(17, '0')}`));
const attachment = fc.constantFrom(...[1, 2, 3, 4, 5].map((n) => `eni-attach-${String(n).padStart(17, '0')}`));
const flag = fc.constantFrom('true', 'false');
const some = (name: string, values: fc.Arbitrary<string>) =>
  fc
    .array(values, { minLength: 1, maxLength: 2 })
    .map((list) => list.map((value, index) => [`${name}.${index + 1}`, value] as const));
const one = (name: string, value: fc.Arbitrary<string>) => value.map((text) => [[name, text] as const]);
const maybe = (parameters: fc.Arbitrary<Parameters>) => fc.oneof(parameters, fc.constant([]));

const call: fc.Arbitrary<Call> = fc.oneof(
  make(
    'AssignPrivateIpAddresses',
    one('NetworkInterfaceId', eni),
    some('PrivateIpAddress', address),
    maybe(one('AllowReassignment', flag)),
  ),
  make(
    'AssignPrivateIpAddresses',
    one('NetworkInterfaceId', eni),
    one('SecondaryPrivateIpAddressCount', fc.constantFrom('0', '1', '3')),
  ),
  make('AssignPrivateIpAddresses', one('NetworkInterfaceId', eni), one('Ipv4PrefixCount', fc.constantFrom('1', '2'))),
  make('UnassignPrivateIpAddresses', one('NetworkInterfaceId', eni), some('PrivateIpAddress', address)),
  make('AssignIpv6Addresses', one('NetworkInterfaceId', eni), some('Ipv6Addresses', address6)),
  make('UnassignIpv6Addresses', one('NetworkInterfaceId', eni), some('Ipv6Addresses', address6)),
  make('AllocateAddress', maybe(one('DryRun', flag))),
  make('ReleaseAddress', one('AllocationId', allocation)),
  make(
    'AssociateAddress',
    one('AllocationId', allocation),
    one('NetworkInterfaceId', eni),
    maybe(one('PrivateIpAddress', address)),
    maybe(one('AllowReassociation', flag)),
  ),
  make('DisassociateAddress', one('AssociationId', association)),
  make(
    'AttachNetworkInterface',
    one('NetworkInterfaceId', eni),
    one('InstanceId', fc.constantFrom('i-a', 'i-b')),
    one('DeviceIndex', fc.constantFrom('0', '1', '2')),
  ),
  make('DetachNetworkInterface', one('AttachmentId', attachment)),
  make('DeleteNetworkInterface', one('NetworkInterfaceId', eni)),
  make('CreateNetworkInterface', one('SubnetId', fc.constant('subnet-a')), maybe(one('PrivateIpAddress', address))),
);

test('an address has one owner, limits hold, an EIP and a private address are one pair at most; a refusal changes nothing', {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60, size: 'max' }), (calls) => {
      const { cloud, advance } = crowdedRegion();
      for (const request of calls) {
        advance(1000);
        const before = JSON.stringify(snapshot(cloud));
        const refused = perform1(cloud, request);
        const after = JSON.stringify(snapshot(cloud));
        expect({ request, state: after }).toEqual({ request, state: refused ? before : after });
        if (!refused) assertConsistent(cloud);
      }
    }),
    { numRuns: 60, seed: 20261121 },
  );
});

test('a dry run never changes anything, whatever it asks for', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 20, size: 'max' }), call, (calls, last) => {
      const { cloud } = crowdedRegion();
      for (const request of calls) perform1(cloud, request);
      const before = structuredClone(snapshot(cloud));
      const rest = last.parameters.filter(([key]) => key !== 'DryRun');
      expect(perform1(cloud, { action: last.action, parameters: [...rest, ['DryRun', 'true']] })).toBe(true);
      expect(snapshot(cloud)).toEqual(before);
    }),
    { numRuns: 100, seed: 20261121 },
  );
});

test('the random calls reach both sides: most actions succeed at times and are refused at times', () => {
  const outcomes = new Map<string, Set<boolean>>();
  for (const calls of fc.sample(fc.array(call, { minLength: 30, maxLength: 30 }), { numRuns: 100, seed: 7 })) {
    const { cloud } = crowdedRegion();
    for (const request of calls) {
      const refused = perform1(cloud, request);
      outcomes.set(request.action, (outcomes.get(request.action) ?? new Set()).add(refused));
    }
  }
  const oneSided = [...outcomes].filter(([, sides]) => sides.size < 2).map(([action]) => action);
  // An unfit association id is ignored, not refused.
  expect(oneSided.sort()).toEqual(['DisassociateAddress']);
});

function make(action: string, ...parts: fc.Arbitrary<Parameters>[]): fc.Arbitrary<Call> {
  return fc.tuple(...parts).map((lists) => ({ action, parameters: lists.flat() }));
}

function crowdedRegion() {
  const clock = handClock();
  const cloud = new Cloud({ now: clock.now, knobs: { elasticIpQuota: 3 } });
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16' });
  cloud.addSubnet({ id: 'subnet-a', vpcId: vpc.id, cidr: '10.0.1.0/26', ipv6Cidr: '2001:db8::/64' });
  cloud.addInstance({ id: 'i-a', type: 't3.small', subnetId: 'subnet-a', privateIp: '10.0.1.4' });
  cloud.addInstance({ id: 'i-b', type: 't3.micro', subnetId: 'subnet-a', privateIp: '10.0.1.7' });
  cloud.addInterface({ id: 'eni-a', subnetId: 'subnet-a', instanceId: 'i-a', privateIp: '10.0.1.5' });
  cloud.addInterface({ id: 'eni-b', subnetId: 'subnet-a', instanceId: 'i-b', privateIp: '10.0.1.6' });
  cloud.addInterface({ id: 'eni-c', subnetId: 'subnet-a', privateIp: '10.0.1.8' });
  cloud.assignPrivateIpAddresses({ networkInterfaceId: 'eni-a', privateIpAddresses: ['10.0.1.20'] });
  cloud.assignPrivateIpAddresses({ networkInterfaceId: 'eni-c', privateIpAddresses: ['10.0.1.21'] });
  const { allocationId } = cloud.allocateAddress({});
  cloud.associateAddress({ allocationId, networkInterfaceId: 'eni-a', privateIpAddress: '10.0.1.20' });
  return { cloud, advance: clock.advance };
}

/** True when the call was refused; a defect of the simulator is not a refusal and fails the test. */
function perform1(cloud: Cloud, { action, parameters }: Call): boolean {
  try {
    perform(cloud, { action, parameters: new Map(parameters) });
    return false;
  } catch (error) {
    if (error instanceof Ec2Fault) return true;
    throw error;
  }
}

function snapshot(cloud: Cloud) {
  return {
    enis: cloud.describeNetworkInterfaces().networkInterfaceSet,
    eips: cloud.describeAddresses().addressesSet,
  };
}

function assertConsistent(cloud: Cloud): void {
  const { enis, eips } = snapshot(cloud);
  const held = enis.flatMap((item) => [
    ...item.privateIpAddressesSet.map((entry) => entry.privateIpAddress),
    ...item.ipv6AddressesSet.map((entry) => entry.ipv6Address),
    ...item.ipv4PrefixSet.map((entry) => entry.ipv4Prefix),
  ]);
  expect(new Set(held).size).toBe(held.length);
  for (const item of enis) {
    const type = item.attachment?.instanceId === 'i-a' ? 't3.small' : 't3.micro';
    const limit = item.attachment === undefined ? Number.POSITIVE_INFINITY : instanceTypes.get(type)?.ipv4PerInterface;
    expect(item.privateIpAddressesSet.length + item.ipv4PrefixSet.length).toBeLessThanOrEqual(limit ?? 0);
    expect(item.privateIpAddressesSet.filter((entry) => entry.primary)).toHaveLength(1);
    const holders = item.privateIpAddressesSet.map(({ privateIpAddress }) =>
      cloud.state.holderOf(item.subnetId, privateIpAddress),
    );
    expect(new Set(holders)).toEqual(new Set([item.networkInterfaceId]));
  }
  // Both describes tell the same pairs, each EIP and each private address in one pair at most.
  const fromEnis = enis.flatMap((item) =>
    item.privateIpAddressesSet.flatMap((entry) =>
      entry.association === undefined
        ? []
        : [
            `${entry.association.publicIp} ${entry.association.associationId} ${item.networkInterfaceId} ${entry.privateIpAddress}`,
          ],
    ),
  );
  const fromEips = eips.flatMap((item) =>
    item.associationId === undefined
      ? []
      : [`${item.publicIp} ${item.associationId} ${item.networkInterfaceId} ${item.privateIpAddress}`],
  );
  expect(fromEnis.sort()).toEqual(fromEips.sort());
  expect(new Set(fromEips.map((pair) => pair.split(' ', 1)[0])).size).toBe(fromEips.length);
  expect(eips.length).toBeLessThanOrEqual(3);
}
