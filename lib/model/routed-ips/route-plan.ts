import type { Claim } from '../addresses/claim.ts';
import type { Eni, EniId } from '../eni.ts';
import type { Cidr, IpAddress } from '../ip.ts';
import type { PodRef } from '../pod.ts';
import type { Reason, Refusal } from '../refusal.ts';
import type { TableSelector } from './declaration.ts';
import type { RouteTable, RouteTableId, VpcSubnet } from './route-table.ts';

/** A claim on an address that route tables lead here. */
export interface RoutedClaim extends Claim {
  readonly routed: readonly TableSelector[];
}

/**
 * `writing`: about to be asked of EC2, or asked with the answer unknown (the record is written before the call). `held`: EC2 accepted
 * our route. `found`: it led here before us; never removed by us. `lost`: it leads elsewhere by now; kept while the claim lives so that
 * we do not take it back.
 */
export type RouteState = 'writing' | 'held' | 'found' | 'lost';

/** What this agent remembers about one route in one table. */
export interface RouteRecord {
  readonly table: RouteTableId;
  readonly destination: Cidr;
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly state: RouteState;
  readonly holder: PodRef;
  readonly interface: string;
  /** See `Claim.leased`. */
  readonly leased?: true;
  /** `since` of the claim, ms since the epoch: each appearance of an address has the right to one move in each table. */
  readonly claimedAt: number;
  /** How often the route was moved here again although it had its move: see `RESTORES` in decide-route. */
  readonly restored?: number;
}

export function routeKey({ table, destination }: { readonly table: RouteTableId; readonly destination: Cidr }): string {
  return `${table} ${destination}`;
}

/** Where one table's route led when this was asked, ms since the epoch. */
export interface RouteSight {
  readonly askedAt: number;
  /** Undefined: there was no route, or one that led nowhere. */
  readonly eni: EniId | undefined;
}

/** Everything that a plan for routes depends on, taken at one instant. Times are ms since the epoch. */
export interface RouteSnapshot {
  readonly now: number;
  readonly policy: RoutePolicy;
  readonly enis: readonly Eni[];
  /** When the describe was asked for that `enis` rest on; undefined before the first one. */
  readonly describedAt: number | undefined;
  readonly claims: readonly RoutedClaim[];
  /** False while any source of claims is loading or blind: the absence of a claim then means nothing. */
  readonly claimsComplete: boolean;
  /** The same of those that this node holds by a Lease. */
  readonly holdsComplete: boolean;
  /** Selectors of pods that may hold a routed address, although none does yet: their tables are read ahead. */
  readonly declared: readonly TableSelector[];
  readonly records: ReadonlyMap<string, RouteRecord>;
  /** Since when a record is without a claim: the cool-down counts from there. */
  readonly idleSince: ReadonlyMap<string, number>;
  /** Undefined until they have been read once. */
  readonly tables: readonly RouteTable[] | undefined;
  readonly subnets: readonly VpcSubnet[];
  /** When the read was asked for that `tables` rest on, and what it was about. */
  readonly readAt: number | undefined;
  readonly readIds: ReadonlySet<RouteTableId>;
  /** When an answer to a call of ours said where a route leads. */
  readonly wroteAt: ReadonlyMap<string, number>;
  /** Reads since our own write show what was there before it: they may lag, or somebody has written the same again. */
  readonly contradicted: ReadonlySet<string>;
  /** Why the last read failed, if it did. */
  readonly readError: Refusal | undefined;
  /** A call for the route did not go through, or waited, at this time: a look after it decides. */
  readonly doubts: ReadonlyMap<string, RouteDoubt>;
  readonly backoffs: ReadonlyMap<string, RouteBackoff>;
  /** ENIs whose source/destination check we have turned off although a describe may not show it yet. */
  readonly unchecked: ReadonlySet<EniId>;
}

/** What is asked of a look after a call that may not have been made: who had the route before it. */
export interface RouteDoubt {
  readonly at: number;
  readonly before: RouteSight | undefined;
  /** The process before us made the call: nothing is known about the time since. */
  readonly restarted: boolean;
}

export interface RouteBackoff {
  readonly reason: Reason;
  readonly message: string;
  readonly until: number;
}

export interface RoutePolicy {
  readonly allowPrimary: boolean;
  readonly release: 'after-delay' | 'never';
  readonly releaseDelayMs: number;
  /** Tag that selects the default tables. */
  readonly defaultTag: { readonly key: string; readonly value: string | undefined };
}

/** One call for one route in one table, or the one that an ENI needs before it takes packets for routed addresses. */
export type RouteStep =
  | {
      readonly kind: 'move';
      readonly key: string;
      readonly verb: 'create' | 'replace';
      readonly table: RouteTableId;
      readonly destination: Cidr;
      readonly eni: EniId;
      readonly claim: RoutedClaim;
      /** Where the route leads as far as we know. */
      readonly before: RouteSight | undefined;
      /** Undone since by a late write of the holder before us: how often this has been moved back here, with this time. */
      readonly restored?: number;
      /** For people: what it leads to now. */
      readonly from: string | undefined;
    }
  | { readonly kind: 'release'; readonly key: string; readonly record: RouteRecord }
  | { readonly kind: 'uncheck'; readonly key: string; readonly eni: EniId };

/** Where one table stands for one claim. */
export interface TableStatus {
  readonly table: RouteTableId;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly refusal?: Refusal;
}

export interface RoutedStatus {
  readonly claim: RoutedClaim;
  /** Worst of its tables. */
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly eni: EniId | undefined;
  readonly destination: Cidr | undefined;
  readonly refusal?: Refusal;
  readonly tables: readonly TableStatus[];
}

export interface RoutePlan {
  readonly steps: readonly RouteStep[];
  readonly statuses: readonly RoutedStatus[];
  readonly put: readonly RouteRecord[];
  readonly forget: readonly string[];
  /** Records that no claim wants now. */
  readonly idle: readonly string[];
  /** Something cannot be decided on what was read so far. */
  readonly read: boolean;
  /** The ENIs of the node are older than a claim. */
  readonly describe: boolean;
  /** Tables that are named by id: they are read wherever they are, so that one of another VPC is reported as such. */
  readonly ids: readonly RouteTableId[];
  readonly retryAt: number | undefined;
}
