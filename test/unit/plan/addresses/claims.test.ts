import { describe, expect, it } from 'vitest';
import { NETWORK_STATUS_KEY } from '../../../../lib/model/addresses/network-status.ts';
import type { CachedAttachment, LiveNamespace } from '../../../../lib/model/addresses/observation.ts';
import { ip } from '../../../../lib/model/ip.ts';
import type { Pod } from '../../../../lib/model/pod.ts';
import { type ClaimFilter, type Observations, observeClaims } from '../../../../lib/plan/addresses/claims.ts';
import { inUseOn } from '../../../../lib/plan/addresses/in-use.ts';
import { eni } from './snapshots.ts';

const EVERYTHING: ClaimFilter = { interfaces: () => true, namespaces: [] };
const A = '10.0.1.10';
const VIP = '10.0.1.99';
const NETNS = '/run/netns/cni-1';

function pod(about: Partial<Pod> & { ips?: readonly string[]; floating?: string } = {}): Pod {
  const { ips, floating, annotations = {}, ...rest } = about;
  const status = [
    { name: 'aws-cni', interface: 'eth0', ips: ['10.0.5.5'], default: true },
    { name: 'default/net', interface: 'net1', ips },
  ];
  return {
    namespace: 'default',
    name: 'p',
    uid: 'uid-p',
    nodeName: 'n',
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    podIps: [ip('10.0.5.5')],
    labels: {},
    annotations: {
      ...(ips && { [NETWORK_STATUS_KEY]: JSON.stringify(status) }),
      ...(floating !== undefined && { 'eni-agent.io/floating-ips': floating }),
      ...annotations,
    },
    conditions: [],
    finalizers: [],
    ...rest,
  };
}

function cached(about: Partial<CachedAttachment> & { uid?: string } = {}): CachedAttachment {
  const { uid = 'uid-p', ...rest } = about;
  return {
    file: 'net-1',
    pod: { namespace: 'default', name: 'p', uid },
    ifName: 'net1',
    netns: NETNS,
    master: undefined,
    mac: undefined,
    addresses: [ip(A)],
    ...rest,
  };
}

function namespace(addresses: readonly string[], about: { path?: string; ifName?: string } = {}): LiveNamespace {
  const { path = NETNS, ifName = 'net1' } = about;
  const on = (name: string, ips: readonly string[]) => ({
    name,
    mac: undefined,
    parentIndex: undefined,
    addresses: ips.map((text) => ({ ip: ip(text), since: 5 })),
  });
  return { path, interfaces: [on('lo', ['127.0.0.1']), on('eth0', ['10.0.5.5']), on(ifName, addresses)] };
}

function observed(about: Partial<Observations> = {}): Observations {
  return {
    pods: [],
    podsKnown: true,
    cache: [],
    namespaces: [],
    hostLinks: { macOfName: () => undefined, macOfIndex: () => undefined, nameOfMac: () => undefined },
    definitions: new Map(),
    ...about,
  };
}

function claimsOf(about: Partial<Observations>, filter = EVERYTHING): string[] {
  const { drafts } = observeClaims(observed(about), filter);
  return drafts.map(
    (draft) => `${draft.holder.uid || draft.holder.name} ${draft.interface} ${draft.address} ${draft.kind}`,
  );
}

interface Row {
  readonly name: string;
  readonly given: Partial<Observations>;
  readonly expected: readonly string[];
}

describe('observeClaims', () => {
  it.each<Row>([
    {
      name: 'knows an address from network-status alone',
      given: { pods: [pod({ ips: [A] })] },
      expected: [`uid-p net1 ${A} ipam`],
    },
    {
      name: 'knows an address from the CNI cache alone',
      given: { podsKnown: false, cache: [cached()], namespaces: undefined },
      expected: [`uid-p net1 ${A} ipam`],
    },
    {
      name: 'knows an address from the kernel alone',
      given: { pods: [pod()], namespaces: [namespace([A])] },
      expected: [`uid-p net1 ${A} live`],
    },
    {
      name: 'joins all sources into one claim',
      given: { pods: [pod({ ips: [A] })], cache: [cached()], namespaces: [namespace([A])] },
      expected: [`uid-p net1 ${A} ipam`],
    },
    {
      name: 'keeps claims of both families and of several addresses on one interface',
      given: { pods: [pod({ ips: [A, '10.0.1.11', '2001:db8::10'] })] },
      expected: [`uid-p net1 ${A} ipam`, 'uid-p net1 10.0.1.11 ipam', 'uid-p net1 2001:db8::10 ipam'],
    },
    {
      name: 'never claims loopback, link-local, multicast or the primary network',
      given: { pods: [pod()], namespaces: [namespace(['169.254.1.1', 'fe80::1', '224.0.0.1', '10.0.5.5'])] },
      expected: [],
    },
    {
      name: 'ignores a stale cache file after a reboot',
      given: {
        pods: [pod({ ips: ['10.0.1.20'] })],
        cache: [cached()],
        namespaces: [namespace(['10.0.1.20'], { path: '/run/netns/cni-2' })],
      },
      expected: ['uid-p net1 10.0.1.20 ipam'],
    },
    {
      name: 'ignores the cache file of a pod that the API has deleted when namespaces are not observed',
      given: { cache: [cached()], namespaces: undefined },
      expected: [],
    },
    {
      name: 'frees the addresses of a completed pod',
      given: {
        pods: [
          pod({ ips: [A], phase: 'Succeeded' }),
          pod({ ips: ['10.0.1.11'], phase: 'Failed', name: 'q', uid: 'uid-q' }),
        ],
      },
      expected: [],
    },
    {
      name: 'keeps the addresses of a terminating pod',
      given: { pods: [pod({ ips: [A], terminating: true })] },
      expected: [`uid-p net1 ${A} ipam`],
    },
    {
      name: 'does not give a recreated pod the addresses of its predecessor',
      given: { pods: [pod({ ips: ['10.0.1.20'], uid: 'uid-new' })], cache: [cached({ uid: 'uid-old' })] },
      expected: ['uid-new net1 10.0.1.20 ipam'],
    },
    {
      name: 'keeps the addresses of a force-deleted pod whose namespace stands',
      given: { cache: [cached()], namespaces: [namespace([A, VIP])] },
      expected: [`uid-p net1 ${A} ipam`, `uid-p net1 ${VIP} live`],
    },
    {
      name: 'keeps them also when another pod has taken its name',
      given: {
        pods: [pod({ ips: ['10.0.1.20'], uid: 'uid-new' })],
        cache: [cached({ uid: 'uid-old' })],
        namespaces: [namespace([A])],
      },
      expected: ['uid-new net1 10.0.1.20 ipam', `uid-old net1 ${A} ipam`],
    },
    {
      name: 'lets a cache entry of an older runtime, without a uid, belong to the pod of that name',
      given: { pods: [pod()], cache: [cached({ uid: '' })], namespaces: [namespace([A])] },
      expected: [`uid-p net1 ${A} ipam`],
    },
    {
      name: 'leaves pods of the host network alone',
      given: { pods: [pod({ ips: [A], hostNetwork: true })], cache: [cached()], namespaces: undefined },
      expected: [],
    },
    {
      name: 'lets a pod declare a floating address',
      given: { pods: [pod({ floating: VIP })], namespaces: [namespace([VIP, A])] },
      expected: [`uid-p net1 ${VIP} floating`, `uid-p net1 ${A} live`],
    },
    {
      name: 'lets a NetworkAttachmentDefinition declare floating addresses for every pod on it',
      given: {
        pods: [pod({ ips: [A] })],
        namespaces: [namespace([A, VIP])],
        definitions: new Map([['default/net', { floatingIps: '10.0.1.96/28', master: undefined }]]),
      },
      expected: [`uid-p net1 ${A} ipam`, `uid-p net1 ${VIP} floating`],
    },
    {
      name: 'finds the namespace of a pod without a cache entry by its primary address',
      given: { pods: [pod({ floating: '*' })], namespaces: [namespace([VIP], { path: '/run/netns/anything' })] },
      expected: [`uid-p net1 ${VIP} floating`],
    },
    {
      name: 'knows a namespace by its name when the folder is mounted elsewhere',
      given: { cache: [cached()], namespaces: [namespace([VIP], { path: '/host/run/netns/cni-1' })] },
      expected: [`uid-p net1 ${A} ipam`, `uid-p net1 ${VIP} live`],
    },
    {
      name: 'gives a namespace to the pod that runs, not to a finished one that had its address before',
      given: {
        pods: [pod({ phase: 'Succeeded', name: 'done', uid: 'uid-done' }), pod({ floating: VIP })],
        namespaces: [namespace([VIP])],
      },
      expected: [`uid-p net1 ${VIP} floating`],
    },
    {
      name: 'leaves a namespace alone that fits no pod',
      given: { pods: [pod({ podIps: [ip('10.0.5.6')] })], namespaces: [namespace([VIP])] },
      expected: [],
    },
  ])('$name', ({ given, expected }) => {
    expect(claimsOf(given)).toEqual(expected);
  });

  it.each([
    { name: 'status is not JSON', annotations: { [NETWORK_STATUS_KEY]: '{' } },
    { name: 'status is not a list', annotations: { [NETWORK_STATUS_KEY]: '{"a":1}' } },
    {
      name: 'an address is nonsense',
      annotations: { [NETWORK_STATUS_KEY]: '[{"interface":"net1","ips":["10.0.1.999"]}]' },
    },
    { name: 'a floating address is nonsense', annotations: { 'eni-agent.io/floating-ips': '10.0.1.99; drop' } },
  ])('keeps all other claims when $name, and refuses by name', ({ annotations }) => {
    const broken = pod({ annotations, name: 'broken', uid: 'uid-broken' });
    const given = observed({
      pods: [broken, pod({ ips: [A], podIps: [ip('10.0.5.6')] })],
      namespaces: [namespace([VIP])],
    });

    const { drafts, refusals } = observeClaims(given, EVERYTHING);

    expect(drafts.map(({ holder, address }) => `${holder.name} ${address}`)).toEqual([`broken ${VIP}`, `p ${A}`]);
    expect([...refusals.keys()]).toEqual(['default/broken']);
    expect(refusals.get('default/broken')).toEqual(
      expect.arrayContaining([expect.objectContaining({ reason: 'InvalidAnnotation' })]),
    );
  });

  it.each(['127.0.0.1', '224.0.0.1', '0.0.0.0', '255.255.255.255', '169.254.1.1', 'fe80::1', 'ff02::1', '::1'])(
    'refuses %s from IPAM by name, and keeps the other claims of the pod',
    (bad) => {
      const given = observed({ pods: [pod({ ips: [bad, A] })], cache: [cached({ addresses: [ip(bad)] })] });

      const { drafts, refusals } = observeClaims(given, EVERYTHING);

      expect(drafts.map(({ address }) => address)).toEqual([A]);
      expect(refusals.get('default/p')).toMatchObject([{ reason: 'InvalidAddress', address: bad }]);
      expect(refusals.get('default/p')?.[0]?.message).toContain(`${bad} on net1 of pod default/p`);
    },
  );

  it.each<[name: string, about: Partial<Observations>, unconfirmed: boolean]>([
    ['the CNI result has it', { cache: [cached()] }, false],
    ['the CNI result has another one', { cache: [cached({ addresses: [ip('10.0.1.11')] })] }, true],
    [
      'the CNI result has another one, and the pod has put it on its interface',
      { cache: [cached({ addresses: [ip('10.0.1.11')] })], namespaces: [namespace([A])] },
      true,
    ],
    ['the kernel has it, and there is no CNI result', { namespaces: [namespace([A])] }, false],
    ['neither has it', { namespaces: [namespace([])] }, true],
    ['nothing on this node could confirm anything', { namespaces: undefined }, false],
    ['no namespace and no CNI result is on this node', { namespaces: [] }, false],
  ])('whether an address of network-status is confirmed: %s', (_name, about, unconfirmed) => {
    const { drafts } = observeClaims(observed({ pods: [pod({ ips: [A] })], ...about }), EVERYTHING);
    const draft = drafts.find(({ address }) => address === A);
    expect(draft?.kind).toBe('ipam');
    expect(draft?.unconfirmed ?? false).toBe(unconfirmed);
  });

  it('says nothing of link-local addresses that an interface has of its own accord', () => {
    const given = observed({ pods: [pod({ ips: [A] })], namespaces: [namespace([A, 'fe80::1'])] });

    expect(observeClaims(given, EVERYTHING).refusals.size).toBe(0);
  });

  it('says which addresses a namespace of no known pod still uses, but not those of a finished pod', () => {
    const finished = pod({ ips: [VIP], podIps: [ip('10.0.5.6')] });
    const unclaimed = (given: Partial<Observations>) => observeClaims(observed(given), EVERYTHING).unclaimed;
    const inUse = (given: Partial<Observations>) => unclaimed(given).map(({ address }) => address);

    expect(inUse({ pods: [], namespaces: [namespace([A])] })).toContain(A);
    expect(inUse({ pods: [pod({ ips: [A] })], namespaces: [namespace([A])] })).toEqual([]);
    expect(inUse({ pods: [{ ...finished, phase: 'Succeeded' }], namespaces: [namespace([VIP])] })).toEqual([]);
  });

  it('counts as in use only what sits on an ENI of this node', () => {
    const [ours, theirs] = [eni('eni-1'), eni('eni-2')];
    const unclaimed = [
      { address: ip(A), mac: '02:00:00:00:00:77', masterMac: ours.mac },
      { address: ip(VIP), mac: theirs.mac, masterMac: undefined },
      { address: ip('10.0.1.50'), mac: undefined, masterMac: undefined },
    ];

    expect([...inUseOn([ours], unclaimed)]).toEqual([A]);
  });

  it('looks only at the interfaces and namespaces it is told to', () => {
    const given = { pods: [pod({ ips: [A] }), pod({ ips: ['10.0.1.11'], namespace: 'other', uid: 'uid-other' })] };

    expect(claimsOf(given, { interfaces: () => true, namespaces: ['other'] })).toEqual([
      'uid-other net1 10.0.1.11 ipam',
    ]);
    expect(claimsOf(given, { interfaces: (name) => name !== 'net1', namespaces: [] })).toEqual([]);
  });

  it('finds the host interface by the kernel, else by the master that the cache names, else by the definition', () => {
    const hostLinks = {
      macOfName: (name: string) => ({ eth1: '02:00:00:00:00:01', eth2: '02:00:00:00:00:02' })[name],
      macOfIndex: (index: number) => (index === 7 ? '02:00:00:00:00:07' : undefined),
      nameOfMac: () => undefined,
    };
    const live = namespace([A]);
    const child = { ...live, interfaces: live.interfaces.map((link) => ({ ...link, parentIndex: 7 })) };
    const definitions = new Map([['default/net', { floatingIps: undefined, master: 'eth2' }]]);
    const masterOf = (about: Partial<Observations>) =>
      observeClaims(observed({ pods: [pod({ ips: [A] })], hostLinks, definitions, ...about }), EVERYTHING).drafts[0]
        ?.masterMac;

    expect(masterOf({ cache: [cached({ master: 'eth1' })], namespaces: [child] })).toBe('02:00:00:00:00:07');
    expect(masterOf({ cache: [cached({ master: 'eth1' })], namespaces: [live] })).toBe('02:00:00:00:00:01');
    expect(masterOf({})).toBe('02:00:00:00:00:02');
  });
});

describe('a pod that gives itself thousands of addresses', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `10.0.${4 + (index >> 8)}.${index & 255}`);
  const MAC = '02:00:00:00:00:01';

  it('has the first 256 of a family looked at, beside those of IPAM; the others stay in use, and it is told', () => {
    const ownMac = namespace([...many, A, '2001:db8::9']);
    const interfaces = ownMac.interfaces.map((each) => ({ ...each, mac: MAC }));
    const seen = observeClaims(
      observed({ pods: [pod({ ips: [A] })], cache: [cached()], namespaces: [{ ...ownMac, interfaces }] }),
      EVERYTHING,
    );

    expect(seen.drafts.map(({ address }) => address).toSorted()).toEqual(
      [A, '2001:db8::9', ...many.slice(0, 256)].toSorted(),
    );
    expect(seen.refusals.get('default/p')).toMatchObject([
      { reason: 'AddressLimitExceeded', message: expect.stringContaining('4744 addresses more') },
    ]);
    expect(seen.unclaimed.filter(({ mac }) => mac === MAC).map(({ address }) => address)).toEqual(many.slice(256));
  });
});
