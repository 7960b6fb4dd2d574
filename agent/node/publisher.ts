import type { PatchOutcome, PodChange } from '../../lib/kube/publish.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { changesTo, type PodReport, reportPod } from '../../lib/plan/pod-report.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { NodeReport } from '../engine/engine.ts';

export interface PublisherOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Pods that should be told about: alive ones with claims or with network-status. */
  readonly pods: () => Iterable<Pod>;
  readonly patch: (pod: Pod, change: PodChange) => Promise<PatchOutcome>;
}

/** An address usually leaves `Pending` within this time, ms; saying so before would double the writes. */
const PENDING_GRACE_MS = 500;

interface Written {
  readonly text: string;
  readonly at: number;
}

/** Writes each pod's annotation and condition when they differ from what it says, and nothing else. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** What was last sent per pod uid: the watch echoes our own write only later. */
  readonly #sent = new Map<string, Written>();
  readonly #pendingSince = new Map<string, number>();
  #last: NodeReport | undefined;
  #alarm = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  publish(report: NodeReport): void {
    this.#last = report;
    const byUid = Map.groupBy(report.statuses, ({ claim }) => claim.holder.uid);
    const seen = new Set<string>();
    for (const pod of this.#options.pods()) {
      seen.add(pod.uid);
      const faults = report.refusals.get(`${pod.namespace}/${pod.name}`) ?? [];
      this.#tell(pod, reportPod(pod, byUid.get(pod.uid) ?? [], faults));
    }
    for (const uid of this.#sent.keys()) if (!seen.has(uid)) this.#sent.delete(uid);
    for (const uid of this.#pendingSince.keys()) if (!seen.has(uid)) this.#pendingSince.delete(uid);
  }

  #tell(pod: Pod, report: PodReport): void {
    const text = JSON.stringify([report.annotation, report.condition]);
    if (this.#sent.get(pod.uid)?.text === text) return;
    const change = changesTo(pod, report);
    if (change === undefined) return void this.#sent.delete(pod.uid);
    if (this.#stillFresh(pod, report)) return;
    this.#sent.set(pod.uid, { text, at: this.#options.clock.now() });
    const { annotations, condition } = change;
    const written = { ...(annotations && { annotations }), ...(condition && { conditions: [condition] }) };
    this.#options.patch(pod, written).catch((error: unknown) => {
      this.#sent.delete(pod.uid);
      this.#options.log.warn('cannot write to pod', { pod: `${pod.namespace}/${pod.name}`, error });
    });
  }

  /** True while a pod has only just become pending; looks again when the grace is over. */
  #stillFresh(pod: Pod, report: PodReport): boolean {
    if (report.condition.reason !== 'Pending') {
      this.#pendingSince.delete(pod.uid);
      return false;
    }
    const { clock } = this.#options;
    const since = this.#pendingSince.get(pod.uid) ?? clock.now();
    this.#pendingSince.set(pod.uid, since);
    if (clock.now() - since >= PENDING_GRACE_MS) return false;
    if (!this.#alarm) {
      this.#alarm = true;
      clock.after(PENDING_GRACE_MS, () => {
        this.#alarm = false;
        if (this.#last) this.publish(this.#last);
      });
    }
    return true;
  }
}
