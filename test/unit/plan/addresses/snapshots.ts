import type { Claim, ClaimKind } from '../../../../lib/model/addresses/claim.ts';
import type { Doubt, KnownHolder } from '../../../../lib/model/addresses/holder.ts';
import type { LedgerEntry, LedgerState } from '../../../../lib/model/addresses/ledger.ts';
import type { Plan } from '../../../../lib/model/addresses/plan.ts';
import type { NodeSnapshot } from '../../../../lib/model/addresses/snapshot.ts';
import { type Eni, type EniId, withAddresses, withoutAddresses } from '../../../../lib/model/eni.ts';
import { cidr, type IpAddress, ip } from '../../../../lib/model/ip.ts';

export const NOW = 1_000_000;

/** An ENI of subnet 10.0.1.0/24 (and 2001:db8::/64), with a primary address and room for many. */
export function eni(
  id: EniId,
  about: { holds?: string[]; limit?: number | undefined; network?: string; primary?: string } = {},
): Eni {
  const { holds = [], limit = 50, network = '10.0.1.0/24', primary = `10.0.1.${100 + id.length}` } = about;
  return {
    id,
    mac: macOf(id),
    deviceIndex: 1,
    networkCard: 0,
    description: '',
    interfaceType: 'interface',
    requesterManaged: false,
    tags: {},
    subnetId: `subnet-${network}`,
    vpcId: 'vpc-1',
    cidrs: [cidr(network), cidr('2001:db8::/64')],
    addresses: [{ ip: ip(primary), primary: true }, ...holds.map((address) => ({ ip: ip(address), primary: false }))],
    prefixes: [],
    limits: { ipv4: limit, ipv6: limit },
  };
}

export function macOf(id: EniId): string {
  return `02:00:00:00:00:${id.slice(-2).padStart(2, '0')}`;
}

export function claim(
  address: string,
  about: {
    on?: EniId | undefined;
    kind?: ClaimKind;
    since?: number;
    pod?: string;
    mac?: string;
    masterMac?: string;
  } = {},
): Claim {
  const { on, kind = 'ipam', since = NOW - 1_000, pod = 'p' } = about;
  return {
    address: ip(address),
    kind,
    holder: { namespace: 'default', name: pod, uid: `uid-${pod}` },
    interface: 'net1',
    mac: about.mac ?? (on === undefined ? undefined : macOf(on)),
    masterMac: about.masterMac,
    since,
  };
}

export function entry(
  address: string,
  on: EniId,
  state: LedgerState,
  about: Partial<LedgerEntry> & { pod?: string } = {},
): LedgerEntry {
  const { pod = 'p', ...rest } = about;
  return {
    address: ip(address),
    eni: on,
    state,
    holder: { namespace: 'default', name: pod, uid: `uid-${pod}` },
    interface: 'net1',
    claimedAt: NOW - 1_000,
    ...rest,
  };
}

type SnapshotParts = Partial<
  Omit<
    NodeSnapshot,
    'ledger' | 'knownFree' | 'inFlight' | 'idleSince' | 'missingSince' | 'holders' | 'refusedAsHeld' | 'doubts'
  >
> & {
  holders?: Readonly<Record<string, KnownHolder>>;
  /** When EC2 refused it, for the first and the last time. */
  refusedAsHeld?: Readonly<Record<string, number>>;
  doubts?: Readonly<Record<string, Doubt>>;
  ledger?: readonly LedgerEntry[];
  knownFree?: readonly IpAddress[];
  inFlight?: readonly IpAddress[];
  idleSince?: Readonly<Record<string, number>>;
  missingSince?: Readonly<Record<string, number>>;
};

/** A snapshot in which nothing is going on: facts of this instant, complete claims, default policy. */
export function snapshot(parts: SnapshotParts = {}): NodeSnapshot {
  const { ledger = [], knownFree = [], inFlight = [], idleSince = {}, missingSince = {}, ...rest } = parts;
  const { holders = {}, refusedAsHeld = {}, doubts = {}, ...more } = rest;
  return {
    now: NOW,
    policy: { takeover: 'declared', allowPrimary: false, release: 'after-delay', releaseDelayMs: 30_000 },
    enis: [eni('eni-1')],
    unseen: new Set(),
    describedAt: NOW,
    vpcNetworks: 'unknown',
    readError: undefined,
    claims: [],
    inUse: new Set(),
    claimsComplete: true,
    hiddenSince: undefined,
    ledger: new Map(ledger.map((each) => [each.address, each])),
    knownFree: new Set(knownFree),
    inFlight: new Set(inFlight),
    idleSince: byAddress(idleSince),
    missingSince: byAddress(missingSince),
    backoffs: new Map(),
    lastErrors: new Map(),
    holders: byAddress(holders),
    refusedAsHeld: new Map(
      Object.entries(refusedAsHeld).map(([address, at]) => [ip(address), { firstAt: at, lastAt: at }]),
    ),
    disputedUntil: new Map(),
    doubts: byAddress(doubts),
    declared: [],
    ...more,
  };
}

function byAddress<T>(values: Readonly<Record<string, T>>): Map<IpAddress, T> {
  return new Map(Object.entries(values).map(([address, value]) => [ip(address), value]));
}

/** The snapshot after EC2 has accepted everything that a plan asks for, and the plan's records were made. */
export function carriedOut(before: NodeSnapshot, plan: Plan): NodeSnapshot {
  const ledger = new Map(before.ledger);
  for (const each of plan.ledger.put) ledger.set(each.address, each);
  for (const address of plan.ledger.forget) ledger.delete(address);
  let { enis } = before;
  for (const action of plan.actions) {
    const { address } = action;
    if (action.kind === 'assign') {
      enis = enis.map((each) =>
        each.id === action.eni ? withAddresses(each, [address]) : withoutAddresses(each, [address]),
      );
      const { holder, interface: ifName, since } = action.claim;
      ledger.set(address, { address, eni: action.eni, state: 'held', holder, interface: ifName, claimedAt: since });
    } else {
      enis = enis.map((each) => (each.id === action.eni ? withoutAddresses(each, [address]) : each));
      ledger.delete(address);
    }
  }
  return { ...before, enis, ledger, describedAt: plan.describe ? before.now : before.describedAt };
}

/** A plan in a few words per line, for state tables. */
export function inWords(plan: Plan): string[] {
  return [
    ...plan.actions.map((action) =>
      action.kind === 'assign'
        ? `assign ${action.address} to ${action.eni}${action.takeover ? ` taking over${action.from ? ` from ${action.from}` : ''}` : ''}${action.urgent ? ' at once' : ''}`
        : `unassign ${action.address} from ${action.eni}`,
    ),
    ...plan.statuses
      .filter(({ state }) => state !== 'pending')
      .map(({ claim: { address }, state, refusal }) => `${address} ${state}${refusal ? ` ${refusal.reason}` : ''}`),
    ...plan.ledger.put.map(({ address, state }) => `record ${address} ${state}`),
    ...plan.ledger.forget.map((address) => `forget ${address}`),
    ...(plan.describe ? ['describe'] : []),
    ...plan.lookUp.map(({ address, purpose }) => `look up ${address}${purpose === 'take' ? ' to take it' : ''}`),
    ...(plan.retryAt === undefined ? [] : [`trigger in ${plan.retryAt - NOW}`]),
  ];
}
