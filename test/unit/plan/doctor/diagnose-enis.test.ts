import { describe, expect, it } from 'vitest';
import { renderDoctor, viewOf } from '../../../../agent/doctor/render.ts';
import { COLOURED, PLAIN } from '../../../../agent/text/paint.ts';
import { ipamRangesOf } from '../../../../lib/model/addresses/ipam-range.ts';
import type { Eni } from '../../../../lib/model/eni.ts';
import { type Cidr, cidr, type IpAddress } from '../../../../lib/model/ip.ts';
import type { HostLink } from '../../../../lib/model/node-links/node-links.ts';
import { diagnose } from '../../../../lib/plan/doctor/diagnose.ts';
import { diagnoseEnis } from '../../../../lib/plan/doctor/diagnose-enis.ts';
import type { Answer, Evidence, NetworkFound } from '../../../../lib/plan/doctor/evidence.ts';
import { ANCHORS, paragraphOf } from '../../../../lib/plan/doctor/topics.ts';
import { contentOf } from '../../architecture/source-tree.ts';

const OURS = { 'node.k8s.amazonaws.com/no_manage': 'true' };
const UNASKED = { kind: 'skipped', message: 'not asked here' } as const;

function eniOf(id: string, given: Partial<Eni> = {}): Eni {
  return {
    id,
    mac: `02:00:00:00:00:0${id.at(-1)}`,
    deviceIndex: Number(id.at(-1)),
    networkCard: 0,
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: OURS,
    subnetId: 'subnet-1',
    vpcId: 'vpc-1',
    cidrs: ['10.0.1.0/24' as Cidr],
    addresses: [{ ip: `10.0.1.1${id.at(-1)}` as IpAddress, primary: true }],
    prefixes: [],
    limits: { ipv4: 10, ipv6: 10 },
    ...given,
  };
}

const primary = eniOf('eni-0', { tags: {} });

function linkOf(given: Partial<HostLink>): HostLink {
  return { name: 'eth1', altNames: [], mac: undefined, up: true, mtu: 9001, child: false, addresses: [], ...given };
}

function known<T>(value: T): Answer<T> {
  return { kind: 'known', value };
}

function checkOf(name: string, given: Partial<Evidence>) {
  const nothing = {
    reservations: UNASKED,
    enis: UNASKED,
    links: UNASKED,
    networks: UNASKED,
    sourceChecks: UNASKED,
    allowPrimary: false,
  };
  return diagnoseEnis({ ...nothing, ...given } as Evidence).find((check) => check.name === name);
}

describe('VPC CNI', () => {
  it.each([
    ['an ENI with the tag', [primary, eniOf('eni-1')], 'pass', '1 ENIs for pods'],
    ['an ENI without it', [primary, eniOf('eni-1', { tags: {} })], 'warn', 'eni-1 without the tag'],
    [
      'an ENI that it has taken',
      [primary, eniOf('eni-1', { tags: {}, description: 'aws-K8S-i-1' })],
      'warn',
      'eni-1 is managed by the VPC CNI',
    ],
    ['the primary ENI only', [primary], 'warn', 'only the primary ENI'],
  ])('looks at %s', (_what, enis, verdict, finding) => {
    expect(checkOf('VPC CNI', { enis: known(enis) })).toMatchObject({
      verdict,
      finding: expect.stringContaining(finding) as string,
    });
  });

  it('accepts the primary ENI alone where addresses may be put on it', () => {
    expect(checkOf('VPC CNI', { enis: known([primary]), allowPrimary: true })).toMatchObject({ verdict: 'pass' });
  });
});

describe('address limits', () => {
  it('warns from 90 % on, and not of the primary ENI, which the VPC CNI fills on purpose', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ip: `10.0.1.${index + 20}` as IpAddress, primary: false }));
    const verdict = (enis: readonly Eni[]) => checkOf('address limits', { enis: known(enis) })?.verdict;

    expect(verdict([primary, eniOf('eni-1', { addresses: many(8) })])).toBe('pass');
    expect(verdict([primary, eniOf('eni-1', { addresses: many(9) })])).toBe('warn');
    expect(verdict([{ ...primary, addresses: many(10) }, eniOf('eni-1')])).toBe('pass');
  });
});

describe('links', () => {
  const link = (name: string, up: boolean) => linkOf({ name, mac: '02:00:00:00:00:01', up });

  it('fails for an ENI whose link is down, and passes where it is in a pod', () => {
    const enis = known([primary, eniOf('eni-1')]);

    expect(checkOf('links', { enis, links: known([link('eth1', false)]) })).toMatchObject({
      verdict: 'fail',
      finding: 'eth1 (eni-1) is down',
    });
    expect(checkOf('links', { enis, links: known([link('eth1', true)]) })).toMatchObject({ verdict: 'pass' });
    expect(checkOf('links', { enis, links: known([]) })).toMatchObject({ verdict: 'pass' });
  });
});

describe('networks', () => {
  const network = (config: object, given: Partial<NetworkFound> = {}): NetworkFound => ({
    name: 'default/red',
    master: 'eth1',
    plugin: 'ipvlan',
    ranges: ipamRangesOf(config),
    ...given,
  });
  const links = known([linkOf({ name: 'ens6', altNames: ['eth1'] })]);
  const enis = known([primary, eniOf('eni-1')]);

  it.each([
    ['a master by its alternative name', network({}), 'pass', 'ipvlan on eth1'],
    ['a master that is missing', network({}, { master: 'eth2' }), 'fail', 'its master eth2 does not exist'],
    [
      'a definition that is missing',
      network({}, { plugin: undefined, missingFor: 'pod default/web' }),
      'fail',
      'asked for by pod default/web',
    ],
    ['macvlan', network({}, { plugin: 'macvlan' }), 'fail', 'macvlan: the VPC drops frames'],
    [
      'a range over an address of the primary ENI',
      network({ ipam: { type: 'whereabouts', range: '10.0.1.0/24' } }),
      'warn',
      '10.0.1.10, which is on eni-0',
    ],
    [
      'a range beside it, which the VPC CNI may reach',
      network({ ipam: { type: 'whereabouts', range: '10.0.1.64/26' } }),
      'warn',
      'addresses of subnet-1, from which the VPC CNI',
    ],
    ['a subnet of its own', network({ ipam: { type: 'whereabouts', range: '10.0.2.0/24' } }), 'pass', 'ipvlan on eth1'],
  ])('looks at %s', (_what, one, verdict, finding) => {
    expect(checkOf('network default/red', { enis, links, networks: known([one]) })).toMatchObject({
      verdict,
      finding: expect.stringContaining(finding) as string,
    });
  });
});

describe('a network in a subnet from which the VPC CNI gives addresses to pods', () => {
  const enis = known([primary, eniOf('eni-1')]);
  const found = (reservations: Evidence['reservations'], ipam: object = {}) => {
    const config = { ipam: { type: 'whereabouts', range: '10.0.1.0/24', ...ipam } };
    const one = { name: 'default/red', master: undefined, plugin: 'ipvlan', ranges: ipamRangesOf(config) };
    return checkOf('network default/red', { enis, networks: known([one]), reservations });
  };
  const reserved = (text: string, explicit = true) =>
    known(text.split(' ').map((block) => ({ subnetId: 'subnet-1', cidr: cidr(block), explicit })));
  const UPPER = { range_start: '10.0.1.70', range_end: '10.0.1.95' };

  it.each([
    ['from its first to its last address', reserved('10.0.1.64/26'), UPPER, 'pass'],
    ['as a whole', reserved('10.0.1.128/25'), { range: '10.0.1.192/26' }, 'pass'],
    ['by blocks side by side, in any order', reserved('10.0.1.80/28 10.0.1.64/28'), UPPER, 'pass'],
    ['by blocks one of which lies in another', reserved('10.0.1.64/27 10.0.1.72/29'), UPPER, 'pass'],
    ['as a whole by its two halves', reserved('10.0.1.224/27 10.0.1.192/27'), { range: '10.0.1.192/26' }, 'pass'],
    ['by blocks with a gap between them', reserved('10.0.1.64/29 10.0.1.80/28'), UPPER, 'warn'],
    [
      'but for its last address',
      reserved('10.0.1.64/28 10.0.1.80/29 10.0.1.88/30 10.0.1.92/31 10.0.1.94/32'),
      UPPER,
      'warn',
    ],
    ['to its end where only its start is given', reserved('10.0.1.128/25'), { range_start: '10.0.1.130' }, 'pass'],
    ['in part', reserved('10.0.1.64/28'), UPPER, 'warn'],
    ['for prefixes only', reserved('10.0.1.64/26', false), UPPER, 'warn'],
    ['not', known([]), UPPER, 'warn'],
  ] as const)('reserved %s', (_what, reservations, ipam, verdict) => {
    expect(found(reservations, ipam)?.verdict).toBe(verdict);
  });

  it('says what to allow where reservations may not be read', () => {
    const check = found({ kind: 'denied', message: 'UnauthorizedOperation' }, UPPER);

    expect(check).toMatchObject({ verdict: 'warn' });
    expect(check?.fix).toContain('allow ec2:GetSubnetCidrReservations');
    expect(found(reserved('10.0.9.0/24'), UPPER)?.fix).not.toContain('allow');
  });
});

describe('what doctor prints', () => {
  const evidence = {
    clusterName: 'c',
    observe: 'live',
    allowPrimary: false,
    imdsStatus: undefined,
    region: 'r',
    folders: [],
    identity: UNASKED,
    permissions: UNASKED,
    enis: UNASKED,
    gateway: UNASKED,
    elasticIps: UNASKED,
    sourceChecks: UNASKED,
    subnets: UNASKED,
    reservations: UNASKED,
    nodeEnis: UNASKED,
    rpFilters: UNASKED,
    routes: UNASKED,
    links: UNASKED,
    networks: known([{ name: 'default/red', master: undefined, plugin: 'macvlan', ranges: [] }]),
    namespaces: UNASKED,
    capabilities: UNASKED,
    apiServer: UNASKED,
    access: UNASKED,
    ownNodeOnly: UNASKED,

    tenants: UNASKED,
    vpcCni: UNASKED,
    rivals: UNASKED,
    agent: { kind: 'known', value: { reasons: [], notes: [] } },
    versions: { agent: '1', node: '22', kernel: '6', images: ['a:1', 'a:2'] },
  } as unknown as Evidence;

  it('links each check to a paragraph that docs/doctor.md has', () => {
    const headings = [...contentOf('docs/doctor.md').matchAll(/^## (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^a-z\s-]/g, '')
        .replaceAll(' ', '-'),
    );

    expect(
      diagnose(evidence)
        .map(({ name }) => name)
        .filter((name) => !paragraphOf(name).includes('#')),
    ).toEqual([]);
    expect(new Set(ANCHORS)).toEqual(new Set(headings));
  });

  it('fits 80 columns below the findings, colours verdicts only, and counts what is wrong', () => {
    const view = viewOf('n', diagnose(evidence));
    const text = renderDoctor(view, { paint: PLAIN, columns: 80 });

    expect(text).toContain('docs/doctor.md#networks');
    expect(text).toMatch(/\n1 of \d+ checks failed\. 1 warning\.\n$/);
    expect(text.split('\n').filter((line) => /^ {9}/.test(line) && line.length > 80)).toEqual([]);
    const faults = renderDoctor(view, { paint: PLAIN, columns: 80, onlyFaults: true });
    expect(faults).not.toContain('skipped');
    expect(faults.split('\n').at(-2)).toBe(text.split('\n').at(-2));
    expect(renderDoctor(view, { paint: COLOURED, columns: 80 })).toContain('\u001B[31mfail');
  });
});
