import type { FloatingIp, FloatingIpCondition } from '../../model/floating-ips/floating-ip.ts';
import { READY } from '../../model/floating-ips/floating-ip.ts';
import type {
  FloatingIpView,
  FloatingSnapshot,
  Ineligible,
  Placement,
  WantedStatus,
} from '../../model/floating-ips/plan.ts';
import { mayHaveElasticIp } from './elastic-ip-steps.ts';
import type { LeaseState } from './lease-state.ts';
import { holdOf, isServed, type PartialPlan } from './partial-plan.ts';
import { tableStatuses } from './table-statuses.ts';

/** How long an object must be without a holder before somebody says so, ms: an election is shorter. */
const NOBODY_MS = 5_000;

/** What the holder writes: it serves all addresses, or which one it cannot and why. While it is still taking over, nothing. */
export function reportServing(
  view: FloatingIpView,
  places: readonly Placement[],
  snapshot: FloatingSnapshot,
): PartialPlan {
  const acquisition = view.lease?.acquisition ?? 0;
  const missing = places.filter(
    ({ address }) =>
      !isServed(view.records.get(address), holdOf(view.lease)) ||
      !view.configured.some((entry) => entry.address === address) ||
      (view.ip.routeTables.length > 0 && snapshot.routed?.get(address)?.state !== 'assigned'),
  );
  const fault = faultOf(view, missing, snapshot);
  if (missing.length > 0 && fault === undefined) return { steps: [] };
  const elasticIp = view.elasticIp?.acquisition === acquisition ? view.elasticIp : undefined;
  // That the edit was noted is written after it was carried out: the next holder would not look for what is left.
  if (view.ip.elasticIp === undefined && mayHaveElasticIp(view) && elasticIp?.backoff === undefined)
    return { steps: [] };
  const list = places.map(({ address }) => address).join(', ');
  const bad = fault ?? (elasticIp?.backoff && { reason: elasticIp.backoff.reason, message: elasticIp.backoff.message });
  const status: WantedStatus = {
    node: snapshot.node.name,
    networkInterfaceId: places[0]?.eni ?? '',
    // It moves along with the address; until EC2 has been asked, and while it cannot say, the word of the holder before us stands.
    publicIp: (elasticIp === undefined || elasticIp.backoff ? view.ip.status.publicIp : elasticIp.publicIp) ?? '',
    since: view.lease?.since ?? '',
    routeTables: tableStatuses(places, snapshot.routed),
    ready: bad === undefined,
    reason: bad?.reason ?? 'Serving',
    message: bad?.message ?? `${list} on ${places[0]?.device} of ${snapshot.node.name}`,
    exclusive: false,
  };
  return statusStep(view.ip, status);
}

/** Nobody serves it and this node knows why it does not; of several such nodes the first one speaks. */
export function reportNobodyServes(
  view: FloatingIpView,
  leaseState: LeaseState,
  why: Ineligible,
  snapshot: FloatingSnapshot,
): PartialPlan {
  const { ip } = view;
  const about = why.reason !== 'NodeNotSelected' || ip.status.node === snapshot.node.name;
  if (view.deletedAt !== undefined || leaseState.state !== 'free' || !about || snapshot.stopping) return { steps: [] };
  const at = leaseState.since + NOBODY_MS;
  if (snapshot.now < at) return { steps: [], retryAt: at };
  const ready = readyOf(ip);
  const spoken = ip.status.node === '' && ready?.status === 'False' && ready.observedGeneration === ip.generation;
  if (spoken && !ready.message.startsWith(`${snapshot.node.name}:`)) return { steps: [] };
  const status: WantedStatus = {
    node: '',
    networkInterfaceId: '',
    publicIp: '',
    since: '',
    routeTables: [],
    ready: false,
    reason: why.reason,
    message: `${snapshot.node.name}: ${why.message}`,
    exclusive: true,
  };
  return statusStep(ip, status);
}

function readyOf(ip: FloatingIp): FloatingIpCondition | undefined {
  return ip.status.conditions.find(({ type }) => type === READY);
}

/** Writes only what differs from the object as it was last seen. */
function statusStep(ip: FloatingIp, wanted: WantedStatus): PartialPlan {
  const ready = readyOf(ip);
  const same =
    ip.status.node === wanted.node &&
    ip.status.networkInterfaceId === wanted.networkInterfaceId &&
    ip.status.publicIp === wanted.publicIp &&
    ip.status.since === wanted.since &&
    JSON.stringify(ip.status.routeTables) === JSON.stringify(wanted.routeTables) &&
    ready?.status === (wanted.ready ? 'True' : 'False') &&
    ready.reason === wanted.reason &&
    ready.message === wanted.message &&
    ready.observedGeneration === ip.generation;
  return { steps: same ? [] : [{ kind: 'write-status', name: ip.name, status: wanted }] };
}

function faultOf(
  view: FloatingIpView,
  missing: readonly Placement[],
  { routed }: FloatingSnapshot,
): Ineligible | undefined {
  for (const { address } of missing) {
    const refusal = routed?.get(address)?.refusal;
    if (refusal !== undefined) return { reason: refusal.reason, message: refusal.message };
    const backoff = view.backoffs.get(address);
    if (backoff) return { reason: backoff.reason, message: backoff.message };
    if (view.records.get(address)?.state === 'lost')
      return { reason: 'HeldElsewhere', message: `${address} was given to somebody else in EC2; it is not taken back` };
  }
  return undefined;
}
