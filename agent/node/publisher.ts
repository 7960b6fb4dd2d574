import type { PodChange } from '../../lib/kube/publish.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { EipMetadata, EipStatus } from '../../lib/model/elastic-ips/claim.ts';
import { isAlive, type Pod, podKey } from '../../lib/model/pod.ts';
import {
  ADDRESSES,
  changesTo,
  type PodFindings,
  type PodReport,
  reportEnded,
  reportPod,
  withoutWithdrawals,
} from '../../lib/plan/addresses/pod-report.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { RECONCILE_RETRY_MS, ReconcileHealth } from '../../lib/runtime/reconcile-health.ts';
import { Trigger } from '../../lib/runtime/trigger.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';
import { PodWrites } from './pod-writes.ts';

export interface PublisherOptions {
  readonly process: { readonly clock: Clock; readonly log: Logger; readonly health?: ReconcileHealth };
  /** Pods of this node, those that have ended among them. */
  readonly pods: () => Iterable<Pod>;
  /** True for a pod with attached networks: it gets a condition even while nothing is claimed, for its readiness gate. */
  readonly hasNetworks: (pod: Pod) => boolean;
  /** What the dialects write for these statuses of a pod. */
  readonly metadata: (pod: Pod, eips: readonly EipStatus[]) => readonly EipMetadata[];
  readonly patch: (pod: Pod, change: PodChange) => Promise<unknown>;
  /** Nobody reports on addresses any more: what is known of them is all there will be. @default never */
  readonly stop?: AbortSignal;
}

/** An address usually leaves `Pending` within this time, ms; saying so before would double the writes. */
const PENDING_GRACE_MS = 500;

/**
 * Writes on each pod what differs from what it says, and nothing else. Once for all reports of a turn of the event loop, and after the
 * calls to EC2 that a plan has led to: whoever reports does not wait for it.
 *
 * Guarantees: what an earlier life wrote is not taken back before everything was seen once; what others change is put right again, ever
 * more rarely when they insist; a pod that has ended says so.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #writes: PodWrites;
  readonly #pendingSince = new Map<string, number>();
  readonly #writing = new Map<string, Set<Promise<void>>>();
  #addresses: NodeReport | undefined;
  #eips: EipReport = { statuses: [], steps: [], refusals: new Map(), complete: false, pods: new Set() };
  #routed: readonly ClaimStatus[] | undefined;
  /** A pod may already say something that the latest report on addresses has not seen. */
  #isOutdated = false;
  readonly #trigger: Trigger;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { clock } = options.process;
    this.#trigger = new Trigger(() => this.#publishGuarded(), clock);
    this.#writes = new PodWrites(clock);
  }

  /**
   * What the loops look at has changed. No pod is compared before the next report on addresses, which follows at once: one that has just got
   * a network would say that it needs no address.
   */
  outdated(): void {
    this.#isOutdated = true;
  }

  addresses(report: NodeReport): void {
    this.#addresses = report;
    this.#isOutdated = false;
    this.#trigger.now();
  }

  routed(statuses: readonly ClaimStatus[]): void {
    const isNews = this.#routed === undefined || this.#routed.length + statuses.length > 0;
    this.#routed = statuses;
    if (isNews) this.#trigger.now();
  }

  elasticIps(report: EipReport): void {
    const isNews = !saysNothing(this.#eips, report);
    this.#eips = report;
    if (isNews) this.#trigger.now();
  }

  /** Writes what has been reported; resolves when every write that is under way has ended, one way or the other. */
  async idle(): Promise<void> {
    this.#trigger.flush();
    await Promise.all(Array.from(this.#writing.values(), (all) => [...all]).flat());
  }

  #publishGuarded(): void {
    const { clock, log, health = new ReconcileHealth({ clock }) } = this.#options.process;
    const failed = (error: unknown) => {
      log.error('comparing pods with what they should say failed; trying again', { error });
      this.#trigger.by(clock.now() + RECONCILE_RETRY_MS);
    };
    health.run('pod reports', () => this.#publish(), failed);
  }

  #publish(): void {
    if (this.#isOutdated && this.#options.stop?.aborted !== true) return;
    const all = [...(this.#addresses?.statuses ?? []), ...(this.#routed ?? [])];
    const statuses = Map.groupBy(all, ({ claim }) => claim.holder.uid);
    const eips = Map.groupBy(this.#eips.statuses, ({ claim }) => claim.owner.uid);
    const seen = new Set<string>();
    for (const pod of this.#options.pods()) {
      seen.add(pod.uid);
      // Compared with the pod as our own writes will leave it: what one of them is about to remove would otherwise count as there.
      const expected = this.#writes.expected(pod);
      if (!isAlive(pod)) this.#reportEnd(expected);
      else this.#report(expected, statuses.get(pod.uid) ?? [], eips.get(pod.uid) ?? []);
    }
    this.#writes.keepOnly(seen);
    this.#lookAgainAt(this.#writes.dueAt);
    for (const uid of this.#pendingSince.keys()) if (!seen.has(uid)) this.#pendingSince.delete(uid);
  }

  #reportEnd(pod: Pod): void {
    const report = reportEnded(pod, this.#options.metadata(pod, []));
    if (report !== undefined) this.#send(pod, report, changesTo(pod, report));
  }

  #report(pod: Pod, statuses: readonly ClaimStatus[], eips: readonly EipStatus[]): void {
    const key = podKey(pod);
    const faults = [...(this.#addresses?.refusals.get(key) ?? []), ...(this.#eips.refusals.get(key) ?? [])];
    const findings = { statuses, eips, faults, metadata: this.#options.metadata(pod, eips) };
    if (!this.#concerns(pod, findings)) return;
    const report = reportPod(pod, findings);
    const change = changesTo(pod, report);
    if (change === undefined) return;
    // A public IP on the pod is awaited by somebody, whatever else is still on its way.
    const adds = Object.values(change.labels ?? {}).some((value) => value !== null);
    if (this.#stillFresh(pod, report.condition.reason) && !adds) return;
    this.#send(pod, report, this.#hasSeenAll(pod, eips) ? change : withoutWithdrawals(pod, change));
  }

  /** Until then the absence of something means nothing. */
  #hasSeenAll({ uid }: Pod, eips: readonly EipStatus[]): boolean {
    const unseen = eips.some((status) => status.state !== 'bound' && status.unseen === true);
    return (
      this.#addresses?.complete === true &&
      this.#routed !== undefined &&
      this.#eips.complete &&
      this.#eips.pods.has(uid) &&
      !unseen
    );
  }

  #send(pod: Pod, report: PodReport, change: Partial<PodReport> | undefined): void {
    if (change === undefined) return;
    const at = this.#writes.mayWriteAt(pod, report);
    if (at > this.#options.process.clock.now()) return this.#lookAgainAt(at);
    this.#writes.started(pod, report, change);
    const all = this.#writing.get(pod.uid) ?? new Set();
    const writing = this.#write(pod, change).then((outcome) => {
      all.delete(writing);
      if (all.size > 0) return;
      this.#writing.delete(pod.uid);
      this.#writes.ended(pod.uid, outcome);
      if (outcome === 'refused') this.#trigger.now();
      else this.#lookAgainAt(this.#writes.dueAt);
    });
    this.#writing.set(pod.uid, all.add(writing));
  }

  /** Never rejects. */
  async #write(pod: Pod, { condition, ...metadata }: Partial<PodReport>): Promise<'written' | 'refused'> {
    const { patch, process } = this.#options;
    try {
      await patch(pod, { ...metadata, ...(condition && { conditions: [condition] }) });
      return 'written';
    } catch (error) {
      process.log.warn('cannot write to pod', { pod: podKey(pod), error });
      return 'refused';
    }
  }

  /** Pods that have nothing to do with us are never written to; those that once had are cleaned up. */
  #concerns(pod: Pod, { statuses, eips, faults, metadata }: PodFindings): boolean {
    // A dialect also lists what must not be there: on most pods it never was.
    const outdated = metadata.some((part) => changesTo(pod, part) !== undefined);
    return (
      statuses.length + eips.length + faults.length > 0 ||
      outdated ||
      ADDRESSES in pod.annotations ||
      this.#options.hasNetworks(pod)
    );
  }

  /** True while a pod has only just become pending; looks again when the grace is over. */
  #stillFresh(pod: Pod, reason: string): boolean {
    if (reason !== 'Pending') {
      this.#pendingSince.delete(pod.uid);
      return false;
    }
    const { clock } = this.#options.process;
    const since = this.#pendingSince.get(pod.uid) ?? clock.now();
    this.#pendingSince.set(pod.uid, since);
    if (clock.now() - since >= PENDING_GRACE_MS) return false;
    this.#lookAgainAt(since + PENDING_GRACE_MS);
    return true;
  }

  #lookAgainAt(at: number | undefined): void {
    if (at !== undefined) this.#trigger.by(at);
  }
}

/**
 * True when neither report has anything to say of any pod, and both have seen the same pods: most nodes have no Elastic IPs, and each report
 * would have every pod looked at once more.
 */
function saysNothing(before: EipReport, now: EipReport): boolean {
  return (
    [before, now].every(({ statuses, refusals }) => statuses.length + refusals.size === 0) &&
    before.complete === now.complete &&
    before.pods.size === now.pods.size &&
    [...before.pods].every((uid) => now.pods.has(uid))
  );
}
