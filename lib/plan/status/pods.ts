import { isObject, objectsOf, parseJson, textOf } from '../../model/json.ts';
import { isAlive, type Pod, podKey } from '../../model/pod.ts';
import { PASSING } from '../../model/refusal.ts';
import type { SnapshotClaim } from '../../model/status/agent-snapshot.ts';
import type { ClusterFacts } from '../../model/status/cluster-facts.ts';
import type { AddressStatus, PodStatus, RouteStatus, StateCounts } from '../../model/status/cluster-status.ts';
import { ADDRESSES, ADDRESSES_ASSIGNED } from '../addresses/pod-report.ts';
import { order } from './agents.ts';

/** Keys by which a pod asks for something of ours, or we have said something about it. */
const OURS =
  /^(?:eni-agent\.io\/|k8s\.v1\.cni\.cncf\.io\/networks$|aws-samples\.github\.com\/|aws-pod-eip-controller|eip\.)/;

/** True for a pod that a status of addresses should show: it has networks, an Elastic IP, or a word of ours on it. */
export function concernsAddresses({ annotations, labels, conditions, hostNetwork }: Pod): boolean {
  if (conditions.some(({ type }) => type === ADDRESSES_ASSIGNED)) return true;
  return !hostNetwork && [...Object.keys(annotations), ...Object.keys(labels)].some((key) => OURS.test(key));
}

export function podStatuses(facts: ClusterFacts): PodStatus[] {
  const claims = claimsByUse(facts);
  return facts.pods
    .map((pod) => podStatus(pod, claims))
    .toSorted((a, b) => order(a.namespace, b.namespace) || order(a.name, b.name));
}

export function countStates(items: readonly { readonly state: string }[]): StateCounts {
  const of = (state: string) => items.filter((item) => item.state === state).length;
  return { assigned: of('assigned'), pending: of('pending'), refused: of('refused') };
}

type Claims = ReadonlyMap<string, SnapshotClaim>;

function claimsByUse({ snapshots }: ClusterFacts): Claims {
  const views = [...snapshots.values()].flatMap((answer) => ('view' in answer ? [answer.view] : []));
  const claims = views.flatMap((view) => (view.kind === 'node' ? view.claims : []));
  return new Map(claims.map((claim) => [`${claim.pod}|${claim.interface}|${claim.address}`, claim]));
}

function podStatus(pod: Pod, claims: Claims): PodStatus {
  const condition = pod.conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
  const addresses = addressesOf(pod, claims);
  const state = stateOf(pod, condition, addresses);
  const { namespace, name, phase } = pod;
  const why =
    condition !== undefined && condition.status !== 'True'
      ? { reason: condition.reason, message: condition.message }
      : {};
  return { namespace, name, node: pod.nodeName, phase, state, ...why, addresses };
}

function stateOf(pod: Pod, condition: Pod['conditions'][number] | undefined, addresses: readonly AddressStatus[]) {
  if (!isAlive(pod)) return 'ended';
  if (addresses.some(({ state }) => state === 'refused')) return 'refused';
  if (condition === undefined) return 'unknown';
  if (condition.status === 'True') return 'assigned';
  const passes = condition.reason === 'Pending' || [...PASSING].some((reason) => reason === condition.reason);
  return passes || addresses.some(({ state }) => state === 'pending') ? 'pending' : 'refused';
}

/** What our annotation says; a pod's owner may write nonsense into it, which is passed over. */
function addressesOf(pod: Pod, claims: Claims): AddressStatus[] {
  if (!isAlive(pod)) return [];
  const condition = pod.conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
  return objectsOf(parseJson(pod.annotations[ADDRESSES] ?? '[]')).flatMap((entry) => {
    const address = textOf(entry['address']);
    const state = textOf(entry['state']);
    if (!isObject(entry) || address === undefined || !isState(state)) return [];
    const name = textOf(entry['interface']) ?? '';
    const claim = claims.get(`${podKey(pod)}|${name}|${address}`);
    const reason = textOf(entry['reason']);
    const message = claim?.message ?? (condition?.reason === reason ? condition?.message : undefined);
    const [eni, publicIp] = [textOf(entry['eni']), textOf(entry['eip'])];
    return [
      {
        address,
        holder: `Pod ${podKey(pod)}`,
        node: pod.nodeName,
        interface: name,
        state,
        ...(eni !== undefined && { eni }),
        ...(claim !== undefined && { kind: claim.kind }),
        ...(reason !== undefined && { reason }),
        ...(reason !== undefined && message !== undefined && { message }),
        ...(publicIp !== undefined && { publicIp }),
        ...(entry['routes'] !== undefined && { routes: routesOf(entry['routes']) }),
      },
    ];
  });
}

function routesOf(value: unknown): RouteStatus[] {
  return objectsOf(value).flatMap((entry) => {
    const [table, state, reason] = [textOf(entry['table']), textOf(entry['state']), textOf(entry['reason'])];
    return table === undefined || !isState(state) ? [] : [{ table, state, ...(reason !== undefined && { reason }) }];
  });
}

function isState(state: string | undefined): state is AddressStatus['state'] {
  return state === 'assigned' || state === 'pending' || state === 'refused';
}
