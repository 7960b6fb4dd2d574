import { describe, expect, it } from 'vitest';
import { type Eni, mac } from '../../../../lib/model/eni.ts';
import { ip } from '../../../../lib/model/ip.ts';
import type { HostLink, NodeLinksState } from '../../../../lib/model/node-links/node-links.ts';
import { diagnoseNodeEnis } from '../../../../lib/plan/doctor/diagnose-node-enis.ts';
import type { Answer, Evidence } from '../../../../lib/plan/doctor/evidence.ts';
import { announcedInterface } from '../../../support/builders.ts';

const MAC = mac('02:00:00:00:00:01');
const UNASKED = { kind: 'skipped', message: 'not asked here' } as const;

function known<T>(value: T): Answer<T> {
  return { kind: 'known', value };
}

const eni = {
  id: 'eni-1',
  mac: MAC,
  tags: { 'node.k8s.amazonaws.com/no_manage': 'true' },
  deviceIndex: 2,
  networkCard: 0,
  description: '',
  interfaceType: 'interface',
  requesterManaged: false,
} as unknown as Eni;
const link: HostLink = {
  name: 'ens6',
  altNames: ['multus'],
  mac: MAC,
  up: true,
  mtu: 9001,
  child: false,
  addresses: [],
};
const announced = announcedInterface();
const nodeState: NodeLinksState = {
  announcement: { wanted: 1, interfaces: [announced] },
  tainted: false,
  labelled: true,
  reported: undefined,
};

function checkOf(name: string, given: Partial<Evidence>) {
  const nothing = {
    nodeEnis: known(nodeState),
    enis: known([eni]),
    links: known([link]),
    subnets: UNASKED,
    rpFilters: UNASKED,
  };
  return diagnoseNodeEnis({ ...nothing, ...given } as Evidence).find((check) => check.name === name);
}

describe('NodeENI', () => {
  it.each<[string, Partial<Evidence>, string, string]>([
    ['everything is there', {}, 'pass', '1 of 1 interfaces are attached, up and named'],
    [
      'no NodeENI selects the node',
      { nodeEnis: known({ ...nodeState, announcement: undefined }) },
      'skipped',
      'no NodeENI',
    ],
    [
      'nobody will take the taint off',
      { nodeEnis: known({ ...nodeState, announcement: undefined, tainted: true }) },
      'fail',
      'eni-agent.io/not-ready',
    ],
    ['EC2 does not have the ENI here', { enis: known([]) }, 'fail', 'does not have it on this instance'],
    [
      'the VPC CNI has taken it',
      { enis: known([{ ...eni, tags: {}, description: 'aws-K8S-i-1' }]) },
      'fail',
      'vpc-cni',
    ],
    ['there is no link', { links: known([]) }, 'fail', 'LinkMissing'],
    ['the link is down', { links: known([{ ...link, up: false }]) }, 'fail', 'to be up'],
    ['the link has another MTU', { links: known([{ ...link, mtu: 1500 }]) }, 'fail', 'MTU 9001'],
    ['the link lacks its name', { links: known([{ ...link, altNames: [] }]) }, 'fail', 'the name multus'],
    [
      'another link has the name',
      {
        links: known([
          { ...link, altNames: [] },
          { ...link, name: 'multus', mac: mac('02:00:00:00:00:09') },
        ]),
      },
      'fail',
      'NameTaken',
    ],
    [
      'one interface is missing',
      { nodeEnis: known({ ...nodeState, announcement: { wanted: 2, interfaces: [announced] } }) },
      'fail',
      '1 of 2',
    ],
  ])('when %s', (_, given, verdict, finding) => {
    expect(checkOf('NodeENI', given)).toMatchObject({ verdict, finding: expect.stringContaining(finding) as string });
  });
});

describe('subnet addresses', () => {
  it('warns when they are nearly used up, and says what permission a look takes', () => {
    const found = (free: number) => checkOf('subnet addresses', { subnets: known([{ id: 'subnet-1', free }]) });
    expect(found(17)).toMatchObject({ verdict: 'pass', finding: 'subnet-1 17 free' });
    expect(found(16)).toMatchObject({ verdict: 'warn' });
    expect(checkOf('subnet addresses', { subnets: { kind: 'denied', message: 'no' } })?.fix).toContain(
      'ec2:DescribeSubnets',
    );
  });
});

describe('rp_filter', () => {
  const filters = (all: number, own: number) => known({ all, byLink: new Map([['ens6', own]]) });
  const withAddress = known([{ ...link, addresses: [{ ip: ip('10.0.64.50'), prefixLength: 32 }] }]);

  it('matters where it is strict and the host itself has an address on the link; the larger of both settings holds', () => {
    expect(checkOf('rp_filter', { rpFilters: filters(0, 0) })).toMatchObject({ verdict: 'pass' });
    expect(checkOf('rp_filter', { rpFilters: filters(0, 1) })?.finding).toContain('strict on ens6: harmless for pods');
    expect(checkOf('rp_filter', { rpFilters: filters(1, 0), links: withAddress })).toMatchObject({ verdict: 'warn' });
    expect(checkOf('rp_filter', { rpFilters: filters(1, 2), links: withAddress })).toMatchObject({ verdict: 'pass' });
  });
});
