import type { EipObjectDialectName, TaggedOwner } from './eip-objects/eip-object.ts';
import type { AllocationId, ElasticIp } from './elastic-ips/elastic-ip.ts';
import type { EniId } from './eni.ts';
import type { NetworkInterface } from './network-interface.ts';

/** Whose a thing in EC2 is, as the tags say that we wrote when we made or took it. */
export type SweepOwner =
  /** `namespace/name` */
  { readonly kind: 'pod'; readonly pod: string } | ({ readonly kind: 'object'; readonly of: SweptKind } & TaggedOwner);

/** The kinds of objects that own something in EC2. */
export type SweptKind = EipObjectDialectName | 'enis' | 'floating-ips' | 'node-enis';

/** Something in EC2 that carries this cluster's tags. */
export type SweepItem =
  | {
      readonly kind: 'elastic-ip';
      readonly id: AllocationId;
      readonly owner: SweepOwner;
      readonly eip: ElasticIp;
      /** False: it was prepared by somebody else and only taken; then these tags go, not the EIP. */
      readonly allocatedByUs: boolean;
      readonly ownTags: readonly string[];
    }
  | { readonly kind: 'interface'; readonly id: EniId; readonly owner: SweepOwner; readonly facts: NetworkInterface };

/** What an uncached read says of an owner. `unknown`: it could not be asked; nothing is concluded from that. */
export type OwnerVerdict = 'lives' | 'gone' | 'unknown';

/** Everything that one sweep depends on. Times are ms since the epoch. */
export interface SweepSnapshot {
  readonly now: number;
  readonly items: readonly SweepItem[];
  /** When the describes and then the reads of the owners began. */
  readonly readAt: number;
  /** By item id; an item without a verdict counts as unknown. */
  readonly verdicts: ReadonlyMap<string, OwnerVerdict>;
  /** Since when earlier sweeps of this process have found the owner gone, by item id. */
  readonly goneSince: ReadonlyMap<string, number>;
  /** How long an owner must be gone, ms. */
  readonly cooldownMs: number;
  /** Calls that one sweep may make. */
  readonly maxSteps: number;
}

export type SweepStep =
  | { readonly kind: 'disassociate'; readonly item: SweepItem; readonly associationId: string }
  | { readonly kind: 'release'; readonly item: SweepItem; readonly allocationId: AllocationId }
  | {
      readonly kind: 'untag';
      readonly item: SweepItem;
      readonly allocationId: AllocationId;
      readonly keys: readonly string[];
    }
  | { readonly kind: 'detach'; readonly item: SweepItem; readonly attachmentId: string }
  | { readonly kind: 'delete'; readonly item: SweepItem; readonly eni: EniId };

/** Something whose owner is gone, and what keeps it: undefined when its time has come. */
export interface Orphan {
  readonly item: SweepItem;
  readonly since: number;
  readonly waitsFor: 'second look' | 'cool-down' | 'Elastic IP on it' | 'EC2' | 'next sweep' | undefined;
}

export interface SweepPlan {
  readonly orphans: readonly Orphan[];
  readonly steps: readonly SweepStep[];
  /** For the next sweep. */
  readonly goneSince: ReadonlyMap<string, number>;
  /** When to look next, if sooner than usual. */
  readonly retryAt: number | undefined;
}
