import { describe, expect, it } from 'vitest';
import { chooseRegion, identityFromProviderId, regionOfZone } from '../../../lib/ec2/identity.ts';

describe('regionOfZone', () => {
  it.each([
    ['us-east-1a', 'us-east-1'],
    ['us-gov-west-1b', 'us-gov-west-1'],
    ['us-west-2-lax-1a', 'us-west-2'],
    ['us-east-1-wl1-bos-wlz-1', 'us-east-1'],
    ['ap-southeast-10c', 'ap-southeast-10'],
    ['', undefined],
    ['fargate', undefined],
  ])('%j is in %j', (zone, region) => {
    expect(regionOfZone(zone)).toBe(region);
  });
});

describe('identityFromProviderId', () => {
  it.each([
    ['aws:///us-east-1a/i-0abc', 'i-0abc', 'us-east-1'],
    ['aws:///eu-central-1c/i-0123456789abcdef0', 'i-0123456789abcdef0', 'eu-central-1'],
  ])('reads %s', (providerId, instanceId, region) => {
    expect(identityFromProviderId(providerId)).toEqual({ instanceId, region, instanceType: undefined });
  });

  it.each([
    'aws:///us-east-1a/7c0a-abc/fargate-ip-10-0-0-1.ec2.internal',
    'eks-hybrid:///eu-central-1/cluster/mi-0abc',
    'gce://project/zone/name',
    'aws:////i-0abc',
    '',
  ])('refuses %j', (providerId) => {
    expect(identityFromProviderId(providerId)).toBeUndefined();
  });

  it('needs no zone when the region is known otherwise', () => {
    expect(identityFromProviderId('aws:////i-0abc', 'eu-west-1')?.region).toBe('eu-west-1');
  });
});

describe('chooseRegion', () => {
  const identity = { instanceId: 'i-1', region: 'from-identity', instanceType: undefined };
  it.each([
    [{ option: 'from-option', environment: { AWS_REGION: 'from-env' }, identity }, 'from-option'],
    [{ option: '', environment: { AWS_REGION: 'from-env' }, identity }, 'from-env'],
    [{ environment: { AWS_DEFAULT_REGION: 'from-default' }, identity }, 'from-default'],
    [{ environment: { AWS_REGION: '' }, identity }, 'from-identity'],
    [{ environment: {} }, undefined],
  ])('of %j takes %s', (sources, region) => {
    expect(chooseRegion(sources)).toBe(region);
  });
});
