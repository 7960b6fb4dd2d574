import { ownersOf } from '../../lib/dialect/eip-owners.ts';
import type { AllocationId, ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EipOwner } from '../../lib/model/elastic-ips/owner.ts';
import type { PendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { OwnedEip } from '../../lib/model/elastic-ips/plan.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { ElasticIpAdapters } from './reconciler-options.ts';

export interface OwnershipOptions extends Pick<ElasticIpAdapters, 'context' | 'dialects' | 'serves'> {
  readonly pendingAssociations: Pick<Journal<PendingAssociation>, 'get' | 'values' | 'delete'>;
}

type Ownership = Omit<OwnedEip, 'eipsAfter'>;

/** Reports which EIPs are ours: by their tags, and by our record of a pairing that has not been given its tags yet. */
export class ElasticIpOwnership {
  readonly #options: OwnershipOptions;
  #of: readonly ElasticIp[] | undefined;
  #owned: readonly Ownership[] = [];
  #owners: ReadonlyMap<AllocationId, readonly EipOwner[]> = new Map();

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** `readAt` (ms since the epoch) is when EC2 was asked for the cache. Reckoned again only when the array is another one. */
  owned(cache: readonly ElasticIp[], readAt: number | undefined): readonly Ownership[] {
    const { pendingAssociations, context } = this.#options;
    if (this.#of === cache && pendingAssociations.values().length === 0) return this.#owned;
    this.#of = cache;
    this.#owners = new Map(cache.map(({ allocationId, tags }) => [allocationId, ownersOf(tags, context)]));
    this.#owned = cache.flatMap((eip) => this.#byTags(eip) ?? this.#byRecord(eip) ?? []);
    this.#dropOld(cache, readAt);
    return this.#owned;
  }

  /** Whom the tags of each EIP name; of the cache that was asked about last. */
  get owners(): ReadonlyMap<AllocationId, readonly EipOwner[]> {
    return this.#owners;
  }

  #byTags(eip: ElasticIp): Ownership | undefined {
    const { dialects, context, serves } = this.#options;
    for (const dialect of dialects) {
      const owner = dialect.ownerOf(eip.tags, context);
      if (owner === undefined || !serves(owner.split('/', 1)[0] ?? '')) continue;
      // Tags that an object or a FloatingIP is known by stay; what belongs to one is never released by us.
      const others = (this.#owners.get(eip.allocationId) ?? []).filter(({ kind }) => kind !== 'pod');
      const kept = new Set(others.flatMap(({ keys }) => keys));
      const allocatedByUs = others.length === 0 && dialect.allocatedByUs(eip.tags);
      return { eip, owner, allocatedByUs, ownTags: dialect.ownTags.filter((key) => !kept.has(key)) };
    }
    return undefined;
  }

  #byRecord(eip: ElasticIp): Ownership | undefined {
    const pending = this.#options.pendingAssociations.get(eip.allocationId);
    if (pending === undefined || !isAsRecorded(eip, pending)) return undefined;
    return { eip, owner: pending.owner, allocatedByUs: false, ownTags: [] };
  }

  /** A record has done its duty when the tags say the same, or when EC2, asked after it, shows no such pairing. */
  #dropOld(cache: readonly ElasticIp[], readAt: number | undefined): void {
    const { pendingAssociations } = this.#options;
    const eips = new Map(cache.map((eip) => [eip.allocationId, eip]));
    const done = pendingAssociations.values().filter((pending) => {
      const eip = eips.get(pending.allocationId);
      if (eip && this.#byTags(eip)) return true;
      return (
        readAt !== undefined && readAt > pending.at + OUTCOME_MS && (eip === undefined || !isAsRecorded(eip, pending))
      );
    });
    if (done.length > 0) pendingAssociations.delete(done.map(({ allocationId }) => allocationId));
  }
}

/** Within this time, ms, a call ends or is given up, and a describe shows what became of it. */
const OUTCOME_MS = 30_000;

function isAsRecorded({ association }: ElasticIp, { eni, privateIp }: PendingAssociation): boolean {
  return association?.eni === eni && association.privateIp === privateIp;
}
