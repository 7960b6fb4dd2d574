import { type Eni, mac } from '../../../../lib/model/eni.ts';
import { cidr, ip } from '../../../../lib/model/ip.ts';
import {
  type RoutedClaim,
  type RouteRecord,
  type RouteSnapshot,
  routeKey,
} from '../../../../lib/model/routed-ips/route-plan.ts';
import type { RouteTable } from '../../../../lib/model/routed-ips/route-table.ts';

const VIP = ip('10.99.0.1');
export const ROUTE = cidr('10.99.0.1/32');
export const NOW = 1_000_000;

export function eni(id: string, more: Partial<Eni> = {}): Eni {
  return {
    id,
    mac: mac(`02:00:00:00:00:0${id.at(-1)}`),
    deviceIndex: 1,
    networkCard: 0,
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: { 'node.k8s.amazonaws.com/no_manage': 'true' },
    subnetId: 'subnet-1',
    vpcId: 'vpc-1',
    cidrs: [cidr('10.0.1.0/24')],
    addresses: [],
    prefixes: [],
    limits: { ipv4: 10, ipv6: 10 },
    sourceDestCheck: false,
    ...more,
  };
}

export function claim(more: Partial<RoutedClaim> = {}): RoutedClaim {
  return {
    address: VIP,
    kind: 'floating',
    holder: { namespace: 'default', name: 'pod', uid: 'u1' },
    interface: 'net1',
    mac: mac('02:00:00:00:00:01'),
    masterMac: undefined,
    since: NOW - 5,
    routed: [{ kind: 'default' }],
    ...more,
  };
}

/** `to`: the ENI to which the route leads; `dead-…` is a blackhole. */
export function table(id: string, to?: string, more: Partial<RouteTable> = {}): RouteTable {
  const blackhole = to?.startsWith('dead-') === true;
  const isEni = to?.includes('eni-') === true;
  return {
    id,
    vpcId: 'vpc-1',
    subnetIds: ['subnet-1'],
    main: false,
    tags: { 'eni-agent.io/routed-ips': '' },
    routes: to === undefined ? [] : [{ destination: ROUTE, eni: isEni ? to : undefined, blackhole, target: to }],
    vpcCidrs: [cidr('10.0.0.0/16')],
    ...more,
  };
}

export function record(state: RouteRecord['state'], more: Partial<RouteRecord> = {}): RouteRecord {
  return {
    table: 'rtb-1',
    destination: ROUTE,
    address: VIP,
    eni: 'eni-1',
    state,
    holder: { namespace: 'default', name: 'pod', uid: 'u1' },
    interface: 'net1',
    claimedAt: NOW - 5,
    ...more,
  };
}

export function snapshot(
  more: Partial<Omit<RouteSnapshot, 'records'>> & { readonly records?: readonly RouteRecord[] } = {},
): RouteSnapshot {
  const { records = [], ...rest } = more;
  return {
    now: NOW,
    policy: {
      allowPrimary: false,
      release: 'after-delay',
      releaseDelayMs: 30_000,
      defaultTag: { key: 'eni-agent.io/routed-ips', value: undefined },
    },
    enis: [eni('eni-1')],
    describedAt: NOW - 60_000,
    claims: [claim()],
    claimsComplete: true,
    holdsComplete: true,
    declared: [],
    records: new Map(records.map((each) => [routeKey(each), each])),
    idleSince: new Map(),
    tables: [table('rtb-1')],
    subnets: [],
    readAt: NOW - 60_000,
    readIds: new Set(),
    wroteAt: new Map(),
    contradicted: new Set(),
    readError: undefined,
    doubts: new Map(),
    backoffs: new Map(),
    unchecked: new Set(),
    ...rest,
  };
}
