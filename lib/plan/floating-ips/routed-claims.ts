import type { FloatingIp } from '../../model/floating-ips/floating-ip.ts';
import type {
  AddressRecord,
  FloatingIpView,
  FloatingSnapshot,
  Hold,
  Placement,
} from '../../model/floating-ips/plan.ts';
import type { TableSelector } from '../../model/routed-ips/declaration.ts';
import type { ClaimDraft } from '../addresses/claims.ts';
import { eligibilityOf } from './eligibility.ts';
import { isOurs, leaseStateOf } from './lease-state.ts';
import { contextOf, type FloatingContext } from './owners.ts';
import { holdOf, isOfHold } from './partial-plan.ts';
import { selects } from './selects.ts';

/** What this node's FloatingIPs ask of route tables now. */
export interface RoutedHolds {
  readonly drafts: readonly ClaimDraft[];
  /** Selectors of all objects that this node may serve: their tables are read ahead. */
  readonly declared: readonly TableSelector[];
  /** False while it is not known what this node holds: that something is missing then means nothing. */
  readonly complete: boolean;
}

/** No FloatingIP names route tables. */
export const NO_HOLDS: RoutedHolds = { drafts: [], declared: [], complete: true };
/** Nothing is known of what this node holds. */
export const UNKNOWN_HOLDS: RoutedHolds = { drafts: [], declared: [], complete: false };

/**
 * The addresses that route tables lead here because this node has the Lease. Each acquisition is a claim of its own, with the right to
 * one move in each table; while the hold is in doubt nothing is taken from anybody.
 */
export function routedClaims(snapshot: FloatingSnapshot): RoutedHolds {
  const context = contextOf(snapshot);
  const routed = snapshot.items.filter(({ ip }) => ip.routeTables.length > 0);
  if (routed.length === 0) return NO_HOLDS;
  const { labels } = snapshot.node;
  if (labels === undefined) return UNKNOWN_HOLDS;
  const mine = routed.filter(({ ip, deletedAt }) => deletedAt === undefined && selects(ip.nodeSelector, labels));
  const holds = mine.map((view) => draftsOf(view, context));
  return {
    drafts: holds.flatMap((drafts) => drafts ?? []),
    declared: mine.flatMap(({ ip }) => ip.routeTables),
    complete: holds.every((drafts) => drafts !== undefined),
  };
}

/** Undefined: not known yet. */
function draftsOf(view: FloatingIpView, context: FloatingContext): readonly ClaimDraft[] | undefined {
  const leaseState = leaseStateOf(view, context);
  if (leaseState.state === 'unknown') return undefined;
  if (!isOurs(leaseState)) return [];
  const eligibility = eligibilityOf(view, context);
  if (eligibility === undefined) return undefined;
  if (!('places' in eligibility)) return [];
  const hold = holdOf(view.lease);
  return eligibility.places
    .filter(({ address }) => isCurrent(view.records.get(address), hold))
    .map((place) => draftOf(view, place, hold, { inDoubt: leaseState.state === 'uncertain', context }));
}

/** The record comes first: after a crash it says what may have been written. */
function isCurrent(record: AddressRecord | undefined, hold: Hold): boolean {
  return isOfHold(record, hold) && record.routed === true;
}

/** One acquisition of one Lease of the object: a Lease that was made again has the same numbers once more. */
function claimantOf({ uid }: FloatingIp, { lease, acquisition }: Hold): string {
  return [uid, ...(lease === undefined ? [] : [lease]), acquisition].join('/');
}

/** Whether the holder of a claim, by its uid, is this object. */
export function isClaimOf({ uid }: Pick<FloatingIp, 'uid'>, claimant: string): boolean {
  return claimant.startsWith(`${uid}/`);
}

function draftOf(
  { ip }: FloatingIpView,
  { address, device, eni }: Placement,
  hold: Hold,
  { inDoubt, context }: { readonly inDoubt: boolean; readonly context: FloatingContext },
): ClaimDraft {
  return {
    address,
    kind: 'floating',
    holder: { namespace: '', name: ip.name, uid: claimantOf(ip, hold) },
    interface: device,
    mac: context.enis.find(({ id }) => id === eni)?.mac,
    masterMac: undefined,
    routed: ip.routeTables,
    seenSince: undefined,
    leased: true,
    ...(ip.status.networkInterfaceId !== '' && { servedBefore: ip.status.networkInterfaceId }),
    ...(inDoubt && { inPlace: true as const }),
  };
}
