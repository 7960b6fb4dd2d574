import { READY } from '../../model/floating-ips/floating-ip.ts';
import {
  type FloatingIpView,
  type FloatingSnapshot,
  OF_EARLIER_OBJECT,
  type Placement,
} from '../../model/floating-ips/plan.ts';
import { familyOf } from '../../model/ip.ts';
import { due, holdOf, isServed, type PartialPlan } from './partial-plan.ts';
import { selects } from './selects.ts';

/** From the deletion of an object until its Elastic IP goes, ms: by then it shows whether only the definition of all objects is being removed. */
const DELETED_MS = 3_000;

/**
 * The Elastic IP goes on the first IPv4 address, once that is EC2's; a later takeover moves it along by itself. An object that asks for none
 * any more needs no address for that.
 */
export function bind(view: FloatingIpView, places: readonly Placement[], { now }: FloatingSnapshot): PartialPlan {
  const { name, elasticIp: source } = view.ip;
  const acquisition = view.lease?.acquisition ?? 0;
  if (!mayHaveElasticIp(view)) return { steps: [] };
  const place = places.find(({ address }) => familyOf(address) === 4);
  const ready = place !== undefined && isServed(view.records.get(place.address), holdOf(view.lease));
  if (source !== undefined && !ready) return { steps: [] };
  const current = view.elasticIp?.acquisition === acquisition && view.elasticIp.source === source && view.elasticIp;
  if (current && current.backoff === undefined) return { steps: [] };
  const until = (current && current.backoff?.until) || 0;
  return due(until, now, { kind: 'bind', name, place, source, acquisition });
}

/** What a deleted object had goes back, some seconds after the deletion was seen. */
export function unbind(view: FloatingIpView, { now }: FloatingSnapshot): PartialPlan {
  const at = Math.max((view.deletedAt ?? now) + DELETED_MS, view.elasticIp?.backoff?.until ?? 0);
  return due(at, now, { kind: 'unbind', name: view.ip.name });
}

/**
 * Whether EC2 may have an Elastic IP for the object: it asks for one; this agent has seen to one; the status shows one; or the object was
 * edited and no holder has said since that it took note. Only a reason to look: what is ours EC2's tags say.
 */
export function mayHaveElasticIp({ ip, deletedAt, elasticIp }: FloatingIpView): boolean {
  const settled =
    elasticIp !== undefined &&
    elasticIp.acquisition !== OF_EARLIER_OBJECT &&
    elasticIp.source === undefined &&
    elasticIp.backoff === undefined;
  if (settled && (deletedAt !== undefined || ip.elasticIp === undefined)) return false;
  if (ip.elasticIp !== undefined || elasticIp !== undefined || ip.status.publicIp !== '') return true;
  const ready = ip.status.conditions.find(({ type }) => type === READY);
  return ip.generation > 1 && ready?.observedGeneration !== ip.generation;
}

/**
 * Whether this node has to see to the Elastic IP of an object that is gone: it may have one, and neither has the holder given the Lease up
 * since (which it does last), nor does the object concern other nodes only.
 */
export function owesElasticIp(view: FloatingIpView, { node }: Pick<FloatingSnapshot, 'node'>): boolean {
  const { ip, lease, deletedAt, elasticIp } = view;
  if (deletedAt === undefined || !mayHaveElasticIp(view)) return false;
  if (elasticIp !== undefined) return true;
  if (node.labels === undefined || !selects(ip.nodeSelector, node.labels)) return false;
  // Without a time there is no Lease: the garbage collector took it, which says nothing about the holder.
  const givenUp = lease?.holder === '' && lease.since !== '' && lease.changedAt > deletedAt;
  return !givenUp;
}
