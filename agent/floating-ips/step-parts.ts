import type { Existence } from '../../lib/kube/floating-ips.ts';
import type { FloatingLeases } from '../../lib/kube/floating-leases.ts';
import type { Eni, EniId } from '../../lib/model/eni.ts';
import type { FloatingIp, FloatingIpStatus } from '../../lib/model/floating-ips/floating-ip.ts';
import type { AddressRecord, FloatingStep, FloatingTiming } from '../../lib/model/floating-ips/plan.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { AddressMetrics, FloatingIpMetrics } from '../../lib/runtime/metrics.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import type { ElasticIpParts } from './elastic-ip.ts';
import type { HostAddresses } from './host-addresses.ts';

/** What a Kubernetes Event says to the object's owner. */
export interface FloatingEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'AddressAssigned' | 'AddressMoved' | 'AddressReleased' | 'AddressRefused';
  readonly message: string;
}

/** The process that serves, and its time. */
export interface FloatingProcess {
  /** Monotonic: see `monotonicClock`. */
  readonly clock: Clock;
  /** Wall-clock ms, for records that people read. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: FloatingIpMetrics & Pick<AddressMetrics, 'tookOver'>;
  readonly callSignal: AbortSignal;
  /** Follows how reconciles end. @default kept to itself */
  readonly health?: ReconcileHealth;
}

/** EC2, and this instance in it. */
export interface FloatingEc2 {
  readonly instanceId: string;
  readonly addresses: EniWriter;
  readonly elasticIps: ElasticIpParts;
  readonly rateLimit: RateLimit;
  readonly enis: () => readonly Eni[];
  /** Called for each accepted call: our ENIs are known without a describe. */
  readonly wrote: (eni: EniId, addresses: readonly IpAddress[], isThere: boolean) => void;
  /** The facts about our ENIs may be wrong: describe them. */
  readonly invalidateEnis: (cause: string) => void;
}

/** The objects at the API server. */
export interface FloatingObjects {
  readonly timing: FloatingTiming;
  readonly leases: FloatingLeases;
  /** What became of the object of this name, by an uncached read. */
  readonly existenceOf: (name: string, signal: AbortSignal) => Promise<Existence>;
  /** Whether another node that the object selects is ready and not cordoned, by a read. */
  readonly hasSuccessor: (ip: FloatingIp, signal: AbortSignal) => Promise<boolean>;
  readonly writeStatus: (ip: FloatingIp, status: FloatingIpStatus, exclusive: boolean) => Promise<void>;
  readonly recordEvent: (ip: FloatingIp, event: FloatingEvent) => void;
}

/** This node: what is on its interfaces, and what it has recorded. */
export interface FloatingNode {
  readonly name: string;
  readonly host: HostAddresses;
  readonly records: Journal<AddressRecord>;
}

export interface StepParts {
  readonly process: FloatingProcess;
  readonly node: FloatingNode;
  readonly ec2: FloatingEc2;
  readonly objects: FloatingObjects;
}

export type Step<K extends FloatingStep['kind']> = Extract<FloatingStep, { readonly kind: K }>;

/** How long a node that cannot take an object leaves it to others, ms. */
export const INELIGIBLE_MS = 60_000;

/** Steps of one lane go one after the other; the lanes of one object do not wait for each other. */
export function laneOf(step: FloatingStep): string {
  switch (step.kind) {
    case 'read':
    case 'acquire':
    case 'renew':
    case 'park':
    case 'release':
      return 'lease';
    case 'find-successor':
      return 'successor';
    case 'take':
      return `ec2 ${step.places[0] && familyOf(step.places[0].address)}`;
    case 'record':
    case 'unassign':
    case 'forget':
      return `ec2 ${familyOf(step.record.address)}`;
    case 'add':
    case 'remove':
      return `interface ${step.place.address}`;
    case 'bind':
    case 'unbind':
      return 'elastic-ip';
    case 'write-status':
      return 'status';
  }
}

/** One step for a key at a time. */
export function keyOfStep(step: FloatingStep): string {
  return `${step.name} ${laneOf(step)}`;
}

/** Steps of one lane go one after the other, in the plan's order: the others are planned again when the first has ended. */
export function firstOfEach(steps: readonly FloatingStep[]): readonly FloatingStep[] {
  const first = new Map<string, FloatingStep>();
  for (const step of steps) if (!first.has(keyOfStep(step))) first.set(keyOfStep(step), step);
  return [...first.values()];
}
