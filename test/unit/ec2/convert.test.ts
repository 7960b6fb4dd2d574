import type { NetworkInterface, Subnet } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  isUsable,
  toCidrs,
  toElasticIp,
  toEni,
  toHolders,
  toLimits,
  toPool,
  UNKNOWN_LIMITS,
} from '../../../lib/ec2/convert.ts';

const bare: NetworkInterface = { NetworkInterfaceId: 'eni-1', MacAddress: '0A:00:00:00:00:01' };
const joined = { cidrs: [], limits: UNKNOWN_LIMITS };

describe('isUsable', () => {
  const table: [name: string, raw: NetworkInterface, usable: boolean][] = [
    ['attached', { Attachment: { Status: 'attached' }, Status: 'in-use' }, true],
    ['a stand-in without states', {}, true],
    ['a trunk', { InterfaceType: 'trunk' }, true],
    ['attaching', { Attachment: { Status: 'attaching' } }, false],
    ['detaching', { Attachment: { Status: 'detaching' }, Status: 'in-use' }, false],
    ['detaching by its own state only', { Status: 'detaching' }, false],
    ['requester-managed', { RequesterManaged: true }, false],
    ['operator-managed', { Operator: { Managed: true, Principal: 'eks.amazonaws.com' } }, false],
    ['efa-only', { InterfaceType: 'efa-only' }, false],
  ];
  it.each(table)('%s', (_name, raw, usable) => {
    expect(isUsable({ ...bare, ...raw })).toBe(usable);
  });
});

describe('toEni', () => {
  it('takes an ENI with nothing but its identity', () => {
    expect(toEni(bare, joined, failOnWarning)).toEqual({
      id: 'eni-1',
      mac: '0a:00:00:00:00:01',
      deviceIndex: 1,
      networkCard: 0,
      description: '',
      interfaceType: 'interface',
      requesterManaged: false,
      tags: {},
      subnetId: '',
      vpcId: '',
      cidrs: [],
      addresses: [],
      prefixes: [],
      limits: UNKNOWN_LIMITS,
    });
  });

  it('relies on the primary mark, not on the order, and keeps associations of both sorts', () => {
    const raw: NetworkInterface = {
      ...bare,
      PrivateIpAddresses: [
        {
          PrivateIpAddress: '10.0.0.9',
          Primary: false,
          Association: { PublicIp: '198.51.100.1', AllocationId: 'eipalloc-1', AssociationId: 'eipassoc-1' },
        },
        { PrivateIpAddress: '10.0.0.5', Primary: true, Association: { PublicIp: '198.51.100.2', IpOwnerId: 'amazon' } },
      ],
      Ipv6Addresses: [{ Ipv6Address: '2001:DB8:0::5', IsPrimaryIpv6: true }, { Ipv6Address: '2001:db8::6' }],
    };
    expect(toEni(raw, joined, failOnWarning)?.addresses).toEqual([
      {
        ip: '10.0.0.9',
        primary: false,
        association: { publicIp: '198.51.100.1', allocationId: 'eipalloc-1', associationId: 'eipassoc-1' },
      },
      { ip: '10.0.0.5', primary: true, association: { publicIp: '198.51.100.2' } },
      { ip: '2001:db8::5', primary: true },
      { ip: '2001:db8::6', primary: false },
    ]);
  });

  it('keeps prefixes of both families', () => {
    const raw = {
      ...bare,
      Ipv4Prefixes: [{ Ipv4Prefix: '10.0.0.16/28' }],
      Ipv6Prefixes: [{ Ipv6Prefix: '2001:db8:0:1::/80' }],
    };
    expect(toEni(raw, joined, failOnWarning)?.prefixes).toEqual(['10.0.0.16/28', '2001:db8:0:1::/80']);
  });

  it('skips what it cannot read, says so, and keeps the rest', () => {
    const warnings: unknown[] = [];
    const raw = {
      ...bare,
      PrivateIpAddresses: [{ PrivateIpAddress: 'soon' }, {}, { PrivateIpAddress: '10.0.0.5' }],
      Ipv4Prefixes: [{ Ipv4Prefix: '10.0.0.16' }],
    };
    const eni = toEni(raw, joined, (message, detail) => warnings.push({ message, ...detail }));
    expect(eni).toMatchObject({ addresses: [{ ip: '10.0.0.5', primary: false }], prefixes: [] });
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toEqual({ message: 'EC2 described an unreadable address', eni: 'eni-1', address: 'soon' });
  });

  it('drops an ENI without id or MAC', () => {
    const warnings: string[] = [];
    expect(toEni({ NetworkInterfaceId: 'eni-1' }, joined, (message) => warnings.push(message))).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});

describe('toCidrs', () => {
  const v6 = (Ipv6CidrBlock: string, State: 'associated' | 'disassociating') => ({
    Ipv6CidrBlock,
    Ipv6CidrBlockState: { State },
  });
  const table: [name: string, raw: Subnet, cidrs: string[]][] = [
    ['IPv4 only', { CidrBlock: '10.0.1.0/24' }, ['10.0.1.0/24']],
    [
      'IPv6 only when associated',
      {
        CidrBlock: '10.0.1.0/24',
        Ipv6CidrBlockAssociationSet: [v6('2001:db8::/64', 'associated'), v6('2001:db9::/64', 'disassociating')],
      },
      ['10.0.1.0/24', '2001:db8::/64'],
    ],
    [
      'an IPv6-native subnet',
      { CidrBlock: '', Ipv6CidrBlockAssociationSet: [v6('2001:db8::/64', 'associated')] },
      ['2001:db8::/64'],
    ],
    ['nothing', {}, []],
  ];
  it.each(table)('%s', (_name, raw, cidrs) => {
    expect(toCidrs(raw, failOnWarning)).toEqual(cidrs);
  });
});

it('toLimits leaves unknown what EC2 did not say', () => {
  expect(toLimits(undefined)).toEqual(UNKNOWN_LIMITS);
  expect(toLimits({ NetworkInfo: { Ipv4AddressesPerInterface: 10, Ipv6AddressesPerInterface: 0 } })).toEqual({
    ipv4: 10,
    ipv6: 0,
  });
});

it('toHolders names the instance of an attached ENI and none of a detached one', () => {
  const PrivateIpAddresses = [{ PrivateIpAddress: '10.0.0.5', Primary: true }, { PrivateIpAddress: '10.0.0.6' }];
  const attached = { ...bare, PrivateIpAddresses, Attachment: { InstanceId: 'i-1' } };
  const nature = expect.objectContaining({ deviceIndex: undefined });
  expect(toHolders(attached, failOnWarning)).toEqual([
    ['10.0.0.5', { eni: 'eni-1', instanceId: 'i-1', primary: true, nature }],
    ['10.0.0.6', { eni: 'eni-1', instanceId: 'i-1', primary: false, nature }],
  ]);
  expect(toHolders({ ...bare, PrivateIpAddresses }, failOnWarning)[0]?.[1].instanceId).toBeUndefined();
});

describe('toElasticIp', () => {
  it('reads empty elements of old answers as absent', () => {
    const raw = {
      AllocationId: 'eipalloc-1',
      PublicIp: '198.51.100.1',
      InstanceId: '',
      AssociationId: '',
      PublicIpv4Pool: '',
    };
    expect(toElasticIp(raw)).toEqual({
      allocationId: 'eipalloc-1',
      publicIp: '198.51.100.1',
      pool: 'amazon',
      tags: {},
      serviceManaged: false,
      association: undefined,
    });
  });

  it('reads association, pool and tags', () => {
    const raw = {
      AllocationId: 'eipalloc-1',
      PublicIp: '198.51.100.1',
      AssociationId: 'eipassoc-1',
      NetworkInterfaceId: 'eni-1',
      PrivateIpAddress: '10.0.0.5',
      PublicIpv4Pool: 'ipv4pool-ec2-1',
      ServiceManaged: 'alb' as const,
      Tags: [{ Key: 'a', Value: '1' }, { Key: 'empty' }],
    };
    expect(toElasticIp(raw)).toEqual({
      allocationId: 'eipalloc-1',
      publicIp: '198.51.100.1',
      pool: 'ipv4pool-ec2-1',
      tags: { a: '1', empty: '' },
      serviceManaged: true,
      association: { associationId: 'eipassoc-1', eni: 'eni-1', privateIp: '10.0.0.5' },
    });
  });

  it('drops an address without allocation id', () => {
    expect(toElasticIp({ PublicIp: '198.51.100.1' })).toBeUndefined();
  });
});

it('toPool counts an undescribed pool as empty', () => {
  expect(toPool({ PoolId: 'ipv4pool-ec2-1' })).toEqual({ id: 'ipv4pool-ec2-1', total: 0, available: 0, tags: {} });
});

function failOnWarning(message: string): void {
  throw new Error(`unexpected warning: ${message}`);
}
