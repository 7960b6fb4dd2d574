import { addressOn, type Eni } from '../../model/eni.ts';
import type {
  ConfiguredAddress,
  FloatingIpView,
  FloatingSnapshot,
  FloatingStep,
  Placement,
} from '../../model/floating-ips/plan.ts';
import { familyOf } from '../../model/ip.ts';
import { bind } from './elastic-ip-steps.ts';
import type { LeaseState } from './lease-state.ts';
import { type FloatingContext, otherOwner } from './owners.ts';
import { holdOf, isOfHold, joined, type PartialPlan, renewal } from './partial-plan.ts';
import { reportServing } from './status.ts';

/** How long our own accepted call outweighs a describe that does not show it, ms: EC2's views lag behind its answers. */
const SETTLING_MS = 10_000;
/** Shortest and longest pause between two looks at EC2 while it is uncertain whether the lease is still held, ms. */
const LOOK_MS = [2_000, 30_000] as const;

/** What the holder does: renew, take over in EC2, put on the interface, bind the Elastic IP, write the status. */
export function serve(
  view: FloatingIpView,
  leaseState: LeaseState,
  places: readonly Placement[],
  snapshot: FloatingContext,
): PartialPlan {
  const hold = renewal(view, snapshot.now, snapshot.timing.renewMs);
  const misplacedSteps = misplaced(view, places, snapshot);
  if (leaseState.state !== 'held')
    return joined(hold, { steps: misplacedSteps }, doubted(view, leaseState, places, snapshot));
  const former = misplacedSteps.length > 0 ? [] : formerAddresses(view, places, snapshot);
  const serveOne = view.ip.routeTables.length > 0 ? serveRouted : servePlace;
  const parts = places.map((place) => serveOne(view, place, snapshot));
  return joined(
    hold,
    { steps: [...misplacedSteps, ...former] },
    { steps: together(parts.flatMap(({ steps }) => steps)) },
    ...parts.map((part) => ({ ...part, steps: [] })),
    bind(view, places, snapshot),
    reportServing(view, places, snapshot),
  );
}

/** Addresses on another interface or with another prefix length than they should have, and those that the object no longer lists. */
function misplaced(
  view: FloatingIpView,
  places: readonly Placement[],
  { owners, servedHere }: FloatingContext,
): FloatingStep[] {
  const right = ({ address, device, prefixLength }: ConfiguredAddress) =>
    places.some((place) => place.address === address && place.device === device && place.prefixLength === prefixLength);
  return view.configured
    .filter((entry) => !right(entry))
    .filter(({ address }) => otherOwner(address, view.ip, owners) === undefined || !servedHere.has(address))
    .map((place) => ({ kind: 'remove', name: view.ip.name, place }));
}

/** Addresses that the object had before it was edited. What another object lists by now stays where it is, for that one. */
function formerAddresses(
  { ip, records }: FloatingIpView,
  places: readonly Placement[],
  { owners }: FloatingContext,
): FloatingStep[] {
  const former = [...records.values()].filter(({ address }) => !places.some((place) => place.address === address));
  return former.map((record) => {
    const isOnEni = record.routed !== true && otherOwner(record.address, ip, owners) === undefined;
    const kind = isOnEni ? 'unassign' : 'forget';
    return { kind, name: ip.name, record };
  });
}

/**
 * Others may have taken over, or nobody can because the API server is away: EC2 says which. As long as it has the address on our ENI,
 * we go on serving.
 */
function doubted(
  view: FloatingIpView,
  leaseState: LeaseState,
  places: readonly Placement[],
  snapshot: FloatingSnapshot,
): PartialPlan {
  const { describedAt = Number.NEGATIVE_INFINITY, now } = snapshot;
  // A route that leads elsewhere leaves the address here without harm: no packet comes.
  if (leaseState.state !== 'uncertain' || view.ip.routeTables.length > 0) return { steps: [] };
  const seenSince = describedAt > leaseState.since;
  const gone = places.filter((place) => seenSince && !isOn(place, snapshot.enis));
  const steps: FloatingStep[] = view.configured
    .filter(({ address }) => gone.some((place) => place.address === address))
    .map((place) => ({ kind: 'remove', name: view.ip.name, place }));
  // Others win within seconds or, when the API server is away for all, not at all: look less and less often.
  const pause = Math.min(Math.max((describedAt - leaseState.since) / 2, LOOK_MS[0]), LOOK_MS[1]);
  const lookAt = Math.max(leaseState.since + snapshot.timing.renewMs, describedAt + pause);
  return now >= lookAt ? { steps, describe: 'the hold of a floating IP is in doubt' } : { steps, retryAt: lookAt };
}

/**
 * A routed address: the record makes it a claim on its route tables, which a loop of their own writes; here it is put on the
 * interface. No ENI has it, so there is nothing to take.
 */
function serveRouted({ ip: { name }, lease, records, configured }: FloatingIpView, place: Placement): PartialPlan {
  const hold = holdOf(lease);
  const record = records.get(place.address);
  const isCurrent =
    isOfHold(record, hold) && record.routed === true && record.eni === place.eni && record.device === place.device;
  if (!isCurrent) {
    const current = { ...place, floatingIp: name, ...hold, state: 'taken', routed: true } as const;
    return { steps: [{ kind: 'record', name, record: current }] };
  }
  const isThere = configured.some(({ address }) => address === place.address);
  return { steps: isThere ? [] : [{ kind: 'add', name, place }] };
}

function servePlace(view: FloatingIpView, place: Placement, snapshot: FloatingSnapshot): PartialPlan {
  const { name } = view.ip;
  const record = view.records.get(place.address);
  const hold = holdOf(view.lease);
  const take = (takeover: boolean): PartialPlan => {
    const until = view.backoffs.get(place.address)?.until ?? 0;
    if (snapshot.now < until) return { steps: [], retryAt: until };
    return { steps: [{ kind: 'take', name, places: [place], hold, takeover }] };
  };
  if (!isOfHold(record, hold) || record.eni !== place.eni || record.routed === true || record.state === 'taking')
    return take(true);
  const present = isOn(place, snapshot.enis);
  const configured = view.configured.find(({ address }) => address === place.address);
  if (record.state === 'lost') {
    if (present) return { steps: [{ kind: 'record', name, record: { ...record, state: 'taken' } }] };
    const leaving: FloatingStep[] = configured ? [{ kind: 'remove', name, place: configured }] : [];
    return joined({ steps: leaving }, take(false));
  }
  if (!present && isSettled(view, place, snapshot))
    return { steps: [{ kind: 'record', name, record: { ...record, state: 'lost' } }] };
  const unseen = !present && snapshot.describedAt !== undefined;
  const lookAt = (view.takenAt.get(place.address) ?? 0) + SETTLING_MS;
  const look =
    unseen && snapshot.now >= lookAt
      ? { describe: 'EC2 does not show a floating IP yet' }
      : unseen
        ? { retryAt: lookAt }
        : {};
  return { steps: configured ? [] : [{ kind: 'add', name, place }], ...look };
}

/** Addresses of one family go to one ENI in one call. */
function together(steps: readonly FloatingStep[]): FloatingStep[] {
  const takes = steps.filter((step) => step.kind === 'take');
  const groups = Map.groupBy(
    takes,
    ({ places: [place], takeover }) => `${place?.eni} ${place && familyOf(place.address)} ${takeover}`,
  );
  const merged = [...groups.values()].map(([first, ...rest]) => ({
    ...first!,
    places: [first!, ...rest].flatMap(({ places }) => places),
  }));
  return [...steps.filter((step) => step.kind !== 'take'), ...merged];
}

function isOn(place: Placement, enis: readonly Eni[]): boolean {
  const eni = enis.find(({ id }) => id === place.eni);
  return eni !== undefined && addressOn(eni, place.address) !== undefined;
}

/** True when a describe that misses the address was asked for long enough after EC2 took our call. */
function isSettled(view: FloatingIpView, { address }: Placement, { describedAt }: FloatingSnapshot): boolean {
  return describedAt !== undefined && describedAt > (view.takenAt.get(address) ?? 0) + SETTLING_MS;
}
