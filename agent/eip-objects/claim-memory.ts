import type { ObjectClaim } from '../../lib/model/eip-objects/eip-object.ts';
import type { SeenClaim } from '../../lib/model/eip-objects/plan.ts';
import type { AllocationId } from '../../lib/model/elastic-ips/elastic-ip.ts';

/** How long EC2's lists may lag behind an allocation that a predecessor made, ms. */
export const SETTLING_MS = 10_000;

/** What one term of leadership remembers of objects and EIPs between two reconciles. */
export class ClaimMemory {
  readonly #eipsAfter = new Map<string, number>();
  readonly #holds = new Set<string>();
  readonly #podUsers = new Set<string>();
  readonly #misplacedSince = new Map<AllocationId, number>();

  /** We put the finalizer on this object ourselves: nobody can have allocated for it before. */
  held(uid: string): void {
    this.#holds.add(uid);
    // The watch may have shown the finalizer before the answer to the write came.
    this.#eipsAfter.set(uid, 0);
  }

  /** The outcome of a call for this object is not known: only a later look counts. */
  distrust(uid: string, until: number): void {
    this.#eipsAfter.set(uid, until);
  }

  see(claims: readonly ObjectClaim[], now: number): readonly SeenClaim[] {
    const uids = new Set(claims.map(({ object }) => object.uid));
    for (const memory of [this.#eipsAfter, this.#holds, this.#podUsers])
      for (const uid of memory.keys()) if (!uids.has(uid)) memory.delete(uid);
    return claims.map((claim) => {
      const { uid } = claim.object;
      if (claim.held && !this.#eipsAfter.has(uid))
        this.#eipsAfter.set(uid, this.#holds.has(uid) ? 0 : now + SETTLING_MS);
      if (claim.mayBeAtPod || claim.assignment.kind === 'pod') this.#podUsers.add(uid);
      return { claim, eipsAfter: this.#eipsAfter.get(uid) ?? 0 };
    });
  }

  /** True when the object's EIP is, or was in this term, for a pod: its annotation may have to be taken off again. */
  usesPods({ object }: ObjectClaim): boolean {
    return this.#podUsers.has(object.uid);
  }

  noteMisplaced(ids: ReadonlySet<AllocationId>, now: number): void {
    for (const id of this.#misplacedSince.keys()) if (!ids.has(id)) this.#misplacedSince.delete(id);
    for (const id of ids) if (!this.#misplacedSince.has(id)) this.#misplacedSince.set(id, now);
  }

  get misplacedSince(): ReadonlyMap<AllocationId, number> {
    return this.#misplacedSince;
  }
}
