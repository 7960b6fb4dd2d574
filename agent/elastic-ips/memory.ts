import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { EipStatus, ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import type { AllocationId } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Pod } from '../../lib/model/pod.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';

interface ClaimMemory {
  readonly since: number;
  /** What the claim asks for, and the pod's uid: another request under the same id, or another pod of the name, begins again. */
  readonly fingerprint: string;
  /** It has had its EIP. */
  wasBound: boolean;
}

/** How long what a reconcile saw is remembered: since when things are as they are. All times are ms since the epoch. */
export class ElasticIpMemory {
  readonly backoffs: FailureMemory<Reason>;
  readonly addressSince = new Map<string, number>();
  readonly assignedSince = new Map<IpAddress, number>();
  readonly unclaimedSince = new Map<AllocationId, number>();
  readonly refusedSince = new Map<string, number>();
  readonly #claims = new Map<string, ClaimMemory>();
  readonly #distrusted = new Map<string, number>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: () => number }) {
    this.backoffs = new FailureMemory({ clock, random });
  }

  /** Nothing may be decided about this claim or EIP on a cache from before `at`. */
  distrust(key: string, at: number): void {
    this.#distrusted.set(key, at);
  }

  distrustedSince(key: string): number {
    return this.#distrusted.get(key) ?? 0;
  }

  firstSeen(claim: ElasticIpClaim): number | undefined {
    return this.#claims.get(claim.id)?.since;
  }

  notePods(pods: readonly Pod[], addresses: readonly ClaimStatus[], now: number): void {
    keep(
      this.addressSince,
      pods.filter(({ podIps }) => podIps.length > 0).map(({ uid }) => uid),
      now,
    );
    keep(
      this.assignedSince,
      addresses.filter(({ state }) => state === 'assigned').map(({ claim }) => claim.address),
      now,
    );
  }

  noteClaims(claims: readonly ElasticIpClaim[], now: number): void {
    const fingerprints = new Map(claims.map((claim) => [claim.id, fingerprintOf(claim)]));
    for (const [id, { fingerprint }] of this.#claims) if (fingerprints.get(id) !== fingerprint) this.#forget(id);
    for (const [id, fingerprint] of fingerprints)
      if (!this.#claims.has(id)) this.#claims.set(id, { since: now, fingerprint, wasBound: false });
  }

  /** False for the claim of a pod that has been replaced by another one of its name, and for one that asks for something else by now. */
  isCurrent(claim: ElasticIpClaim): boolean {
    return this.#claims.get(claim.id)?.fingerprint === fingerprintOf(claim);
  }

  wasBound(claim: ElasticIpClaim): boolean {
    return this.#claims.get(claim.id)?.wasBound === true;
  }

  noteUnclaimed(ids: readonly AllocationId[], now: number): void {
    for (const id of this.unclaimedSince.keys()) if (!ids.includes(id)) this.#forget(id);
    keep(this.unclaimedSince, ids, now);
  }

  noteStatuses(statuses: readonly EipStatus[], now: number): void {
    keep(
      this.refusedSince,
      statuses.filter(({ state }) => state === 'refused').map(({ claim }) => claim.id),
      now,
    );
    for (const { state, claim } of statuses) {
      const known = this.#claims.get(claim.id);
      if (state === 'bound' && known !== undefined) known.wasBound = true;
    }
  }

  #forget(key: string): void {
    this.#claims.delete(key);
    this.backoffs.succeeded(key);
    this.#distrusted.delete(key);
  }
}

function fingerprintOf({ owner, source, tags }: ElasticIpClaim): string {
  return JSON.stringify([owner.uid, source, tags]);
}

/** Exactly these keys, each with the time at which it first was among them. */
function keep<K>(since: Map<K, number>, keys: Iterable<K>, now: number): void {
  const current = new Set(keys);
  for (const key of current) if (!since.has(key)) since.set(key, now);
  for (const key of since.keys()) if (!current.has(key)) since.delete(key);
}
