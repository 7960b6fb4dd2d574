import { describe, expect, test } from 'vitest';
import { documentedBucket, Throttle } from '../../../sim/ec2/throttle.ts';
import { handClock } from './region.ts';

describe('Throttle', () => {
  test.each([
    ['AssignPrivateIpAddresses', 100, 5],
    ['UnassignPrivateIpAddresses', 100, 5],
    ['AssignIpv6Addresses', 100, 5],
    ['UnassignIpv6Addresses', 50, 5],
    ['AssociateAddress', 50, 5],
    ['AttachNetworkInterface', 50, 5],
    ['CreateTags', 100, 10],
    ['DescribeAddresses', 100, 20],
    ['DescribeNetworkInterfaces', 100, 20],
    ['DescribeNetworkInterfaces:unfiltered', 50, 10],
    ['GetServiceQuota', 100, 20],
  ])('%s has the documented bucket: %d, and %d a second (facts §1.10)', (action, capacity, refillPerSecond) => {
    expect(documentedBucket(action)).toEqual({ capacity, refillPerSecond });
  });

  test.each([
    [0, 100],
    [1000, 105],
    [3500, 117],
    [60_000, 200],
  ])('a full bucket and %d ms of waiting let %d assigns through', (waitMs, expected) => {
    const clock = handClock();
    const throttle = new Throttle(clock);
    const first = admitted(throttle, 'AssignPrivateIpAddresses', 1000);
    clock.advance(waitMs);
    expect(first + admitted(throttle, 'AssignPrivateIpAddresses', 1000)).toBe(expected);
  });

  test('actions have buckets of their own', () => {
    const throttle = new Throttle(handClock());
    admitted(throttle, 'AssociateAddress', 1000);
    expect(admitted(throttle, 'DisassociateAddress', 1000)).toBe(50);
  });

  test.each([
    [{}, 50],
    [{ 'Filter.1.Name': 'vpc-id' }, 100],
    [{ MaxResults: '100' }, 100],
    [{ 'NetworkInterfaceId.1': 'eni-1' }, 100],
  ])('DescribeNetworkInterfaces with %j draws from a bucket of %d', (parameters, expected) => {
    const throttle = new Throttle(handClock());
    expect(admitted(throttle, 'DescribeNetworkInterfaces', 1000, new Map(Object.entries(parameters)))).toBe(expected);
  });

  test('a test may scale all buckets, or give one action another', () => {
    const throttle = new Throttle({
      ...handClock(),
      scale: 0.1,
      overrides: { CreateTags: { capacity: 2, refillPerSecond: 0 } },
    });
    expect(admitted(throttle, 'AssociateAddress', 1000)).toBe(5);
    expect(admitted(throttle, 'CreateTags', 1000)).toBe(2);
    throttle.override('AssociateAddress', { capacity: 20, refillPerSecond: 5 });
    expect(admitted(throttle, 'AssociateAddress', 1000)).toBe(20);
  });

  test('a noisy neighbour takes tokens at once, or part of the refill', () => {
    const clock = handClock();
    const throttle = new Throttle(clock);
    throttle.drain('AssociateAddress', 40);
    expect(admitted(throttle, 'AssociateAddress', 1000)).toBe(10);
    throttle.setNeighbour('AssociateAddress', 4);
    clock.advance(10_000);
    expect(admitted(throttle, 'AssociateAddress', 1000)).toBe(10);
    throttle.setNeighbour('AssociateAddress', 0);
    clock.advance(1000);
    expect(throttle.level('AssociateAddress')).toBe(5);
  });
});

function admitted(
  throttle: Throttle,
  action: string,
  attempts: number,
  parameters = new Map<string, string>(),
): number {
  return Array.from({ length: attempts }, () => throttle.admits(action, parameters)).filter(Boolean).length;
}
