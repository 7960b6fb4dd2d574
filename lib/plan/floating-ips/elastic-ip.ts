import type { EipSource, ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { EipOwner } from '../../model/elastic-ips/owner.ts';
import type { EipSnapshot, EipStep, OwnedEip } from '../../model/elastic-ips/plan.ts';
import type { EniId } from '../../model/eni.ts';
import {
  FLOATING_IP_TAG,
  type FloatingIpOwner,
  floatingIpTags,
  isAllocatedForFloatingIp,
} from '../../model/floating-ips/tags.ts';
import type { IpAddress } from '../../model/ip.ts';
import { type PodRef, podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import { planElasticIps } from '../elastic-ips/plan.ts';

/** What the Elastic IP of a FloatingIP should be. */
export interface ElasticIpGoal {
  readonly owner: FloatingIpOwner;
  /** Undefined: none, and whatever the object has goes back. */
  readonly wanted: ElasticIpRequest | undefined;
}

/** One Elastic IP on one private address. */
export interface ElasticIpRequest {
  /** `spec.elasticIP` and what it means. */
  readonly text: string;
  readonly source: EipSource;
  readonly privateIp: IpAddress;
  readonly eni: EniId;
}

/** The Elastic IPs of the account and region, and whom the tags of each name. */
export interface SeenElasticIps {
  readonly eips: readonly ElasticIp[];
  readonly ownersOf: (tags: ElasticIp['tags']) => readonly EipOwner[];
}

export type ElasticIpDecision =
  | { readonly kind: 'step'; readonly step: EipStep }
  /** Nothing is left to do. `publicIp` undefined: none was asked for, and none is left. */
  | { readonly kind: 'settled'; readonly publicIp: IpAddress | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * The next call for the Elastic IP of a FloatingIP, as a claim like those of pods. What is its own: whoever holds the Lease decides, wherever
 * the Elastic IP is; nothing waits for the owner to come back, whose end the API server has confirmed; and nothing goes back while what is
 * asked for is refused. What carries the object's name in this cluster is its own, whatever uid: names are unique, so another uid is that of
 * an earlier object.
 */
export function decideElasticIp(goal: ElasticIpGoal, seen: SeenElasticIps): ElasticIpDecision {
  const {
    steps,
    statuses: [status],
  } = planElasticIps(snapshotOf(goal, seen));
  const [next] = steps;
  // The account may have room for another one only when the former one has gone.
  const step = next?.kind === 'allocate' ? (steps.find(({ kind }) => kind === 'release') ?? next) : next;
  if (status?.state === 'refused') return { kind: 'refused', refusal: status.refusal };
  if (step !== undefined) return { kind: 'step', step };
  return { kind: 'settled', publicIp: status?.state === 'bound' ? status.publicIp : undefined };
}

/** True when the tags say that the Elastic IP belongs to the object, or to an earlier one of its name. */
export function isOwned({ tags, serviceManaged }: ElasticIp, { clusterName, name }: FloatingIpOwner): boolean {
  return !serviceManaged && tags[FLOATING_IP_TAG.cluster] === clusterName && tags[FLOATING_IP_TAG.name] === name;
}

/** Only what one look showed, and no time: what has to be waited for has been before this is decided. */
function snapshotOf({ owner, wanted }: ElasticIpGoal, { eips, ownersOf }: SeenElasticIps): EipSnapshot {
  const owned = eips.filter((eip) => isOwned(eip, owner)).map((eip) => ownedBy(owner, eip));
  const place = wanted && ({ ...wanted, state: 'ready', since: undefined } as const);
  return {
    now: 0,
    nodeName: undefined,
    releaseDelayMs: 0,
    claims: place === undefined ? [] : [{ claim: claimOf(owner, place), place, eipsAfter: 0, refusedSince: undefined }],
    claimsComplete: true,
    livePods: new Set(),
    liveAddresses: new Map(),
    ourEnis: new Set(owned.flatMap(({ eip }) => eip.association?.eni ?? [])),
    leaving: new Set(),
    eips,
    eipsAt: 0,
    eipsError: undefined,
    owned,
    owners: new Map(eips.map(({ allocationId, tags }) => [allocationId, ownersOf(tags)])),
    unclaimedSince: new Map(owned.map(({ eip }) => [eip.allocationId, 0])),
    backoffs: new Map(),
    flying: new Map(),
  };
}

function claimOf(owner: FloatingIpOwner, { text, source, privateIp }: ElasticIpRequest): ElasticIpClaim {
  const { cluster, name, source: sourceKey } = FLOATING_IP_TAG;
  return {
    id: `floating-ip|${owner.name}`,
    dialect: 'floating-ip',
    owner: refOf(owner),
    source,
    target: { kind: 'address', address: privateIp },
    tags: floatingIpTags(owner, text),
    // One that was taken by its id or tag is known by that; one that was allocated only by what it was allocated for.
    identity: source.kind === 'allocate' ? [cluster, name, sourceKey] : [cluster, name],
    lateKeys: [sourceKey],
  };
}

function ownedBy(owner: FloatingIpOwner, eip: ElasticIp): OwnedEip {
  const { tags } = eip;
  // Allocated by a version that did not write the source: it can only have been for this object.
  const allocatedByUs = isAllocatedForFloatingIp(tags) || tags[FLOATING_IP_TAG.source] === undefined;
  return { eip, owner: podKey(refOf(owner)), allocatedByUs, ownTags: Object.values(FLOATING_IP_TAG), eipsAfter: 0 };
}

/** FloatingIPs are in no namespace. */
function refOf({ name, uid }: FloatingIpOwner): PodRef {
  return { namespace: '', name, uid };
}
