import type { PodChange } from '../../lib/kube/publish.ts';
import type { EipMarks, EipStatus } from '../../lib/model/eip-claim.ts';
import { type Pod, podKey } from '../../lib/model/pod.ts';
import { ADDRESSES, changesTo, type PodFindings, type PodReport, reportPod } from '../../lib/plan/pod-report.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { EipReport } from '../eip/eip-engine.ts';
import type { NodeReport } from '../engine/engine.ts';

export interface PublisherOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Alive pods of this node. */
  readonly pods: () => Iterable<Pod>;
  /** True for a pod with attached networks: it gets a condition even while nothing is claimed, for its readiness gate. */
  readonly hasNetworks: (pod: Pod) => boolean;
  /** What the dialects write for these statuses of a pod. */
  readonly marks: (pod: Pod, eips: readonly EipStatus[]) => readonly EipMarks[];
  readonly patch: (pod: Pod, change: PodChange) => Promise<unknown>;
}

/** An address usually leaves `Pending` within this time, ms; saying so before would double the writes. */
const PENDING_GRACE_MS = 500;
/** Before the same report is sent to a server that has refused it, ms. */
const REFUSED_MS = 60_000;

/** Writes on each pod what differs from what it says, and nothing else. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** What was last sent per pod uid: the watch echoes our own write only later. */
  readonly #sent = new Map<string, string>();
  readonly #pendingSince = new Map<string, number>();
  readonly #writing = new Set<Promise<void>>();
  #addresses: NodeReport | undefined;
  #eips: EipReport = { statuses: [], refusals: new Map() };
  #alarm = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  addresses(report: NodeReport): void {
    this.#addresses = report;
    this.#publish();
  }

  elasticIps(report: EipReport): void {
    this.#eips = report;
    this.#publish();
  }

  /** Resolves when every write that is under way has ended, one way or the other. */
  async idle(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #publish(): void {
    const statuses = Map.groupBy(this.#addresses?.statuses ?? [], ({ claim }) => claim.holder.uid);
    const eips = Map.groupBy(this.#eips.statuses, ({ claim }) => claim.owner.uid);
    const seen = new Set<string>();
    for (const pod of this.#options.pods()) {
      seen.add(pod.uid);
      const key = podKey(pod);
      this.#tell(pod, {
        statuses: statuses.get(pod.uid) ?? [],
        eips: eips.get(pod.uid) ?? [],
        faults: [...(this.#addresses?.refusals.get(key) ?? []), ...(this.#eips.refusals.get(key) ?? [])],
        marks: this.#options.marks(pod, eips.get(pod.uid) ?? []),
      });
    }
    for (const uid of this.#sent.keys()) if (!seen.has(uid)) this.#sent.delete(uid);
    for (const uid of this.#pendingSince.keys()) if (!seen.has(uid)) this.#pendingSince.delete(uid);
  }

  #tell(pod: Pod, findings: PodFindings): void {
    if (!this.#concerns(pod, findings)) return;
    const report = reportPod(pod, findings);
    const text = JSON.stringify(report);
    if (this.#sent.get(pod.uid) === text) return;
    const change = changesTo(pod, report);
    if (change === undefined) return void this.#sent.delete(pod.uid);
    // A public IP on the pod is awaited by somebody, whatever else is still on its way.
    if (this.#stillFresh(pod, report.condition.reason) && change.labels === undefined) return;
    this.#sent.set(pod.uid, text);
    const writing = this.#write(pod, change).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** What the server refuses is not sent again as it is: only another report, or a look after a while, gives it another try. */
  async #write(pod: Pod, { condition, ...metadata }: Partial<PodReport>): Promise<void> {
    const { patch, log, clock } = this.#options;
    try {
      await patch(pod, { ...metadata, ...(condition && { conditions: [condition] }) });
    } catch (error) {
      log.warn('cannot write to pod', { pod: podKey(pod), error });
      clock.after(REFUSED_MS, () => void this.#sent.delete(pod.uid));
    }
  }

  /** Pods that have nothing to do with us are never written to; those that once had are cleaned up. */
  #concerns(pod: Pod, { statuses, eips, faults, marks }: PodFindings): boolean {
    // A dialect also lists what must not be there: on most pods it never was.
    const marked = marks.some(
      ({ labels, annotations }) => differs(labels, pod.labels) || differs(annotations, pod.annotations),
    );
    return (
      statuses.length + eips.length + faults.length > 0 ||
      marked ||
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
    const { clock } = this.#options;
    const since = this.#pendingSince.get(pod.uid) ?? clock.now();
    this.#pendingSince.set(pod.uid, since);
    if (clock.now() - since >= PENDING_GRACE_MS) return false;
    if (!this.#alarm) {
      this.#alarm = true;
      clock.after(PENDING_GRACE_MS, () => {
        this.#alarm = false;
        this.#publish();
      });
    }
    return true;
  }
}

function differs(wanted: Readonly<Record<string, string | null>>, present: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).some(([key, value]) => (present[key] ?? null) !== value);
}
