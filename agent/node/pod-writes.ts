import type { Pod } from '../../lib/model/pod.ts';
import { changesTo, type PodReport, withChange } from '../../lib/plan/addresses/pod-report.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

/** How long after its end a write may take to appear in the watch, ms. */
const PENDING_WRITE_MS = 5_000;
/** Before the same is sent to a server that has refused it, ms. */
const REFUSED_MS = 60_000;
/** Pauses between repairs of the same report, ms: somebody else insists on something different. */
const REPAIR_MS = [1_000, 300_000] as const;

interface Unseen {
  readonly change: Partial<PodReport>;
  /** The watch must show it by then, ms since the epoch; undefined while the write is under way. */
  readonly until: number | undefined;
}

interface Latest {
  readonly text: string;
  /** How often it had to be written again. */
  readonly repairs: number;
  /** Not sent again before, ms since the epoch. */
  readonly notBefore: number;
}

/**
 * What this process has written on pods. The watch shows it only later, so that a comparison with the watched pod alone would miss what
 * a write under way is about to take away; and what somebody else changed is repaired, but not in a loop.
 */
export class PodWrites {
  readonly #clock: Clock;
  readonly #unseen = new Map<string, Unseen>();
  readonly #latest = new Map<string, Latest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The watched pod with our own writes laid over it that it does not show yet. */
  expected(pod: Pod): Pod {
    const unseen = this.#unseen.get(pod.uid);
    if (unseen === undefined) return pod;
    const over = unseen.until !== undefined && unseen.until <= this.#clock.now();
    const shown = unseen.until !== undefined && changesTo(pod, unseen.change) === undefined;
    if (!over && !shown) return withChange(pod, unseen.change);
    this.#unseen.delete(pod.uid);
    return pod;
  }

  /** When the report may be sent, ms since the epoch: in the past unless it was sent before and something else is on the pod. */
  mayWriteAt(pod: Pod, report: PodReport): number {
    const latest = this.#latest.get(pod.uid);
    return latest?.text === JSON.stringify(report) ? latest.notBefore : 0;
  }

  started(pod: Pod, report: PodReport, change: Partial<PodReport>): void {
    const text = JSON.stringify(report);
    const now = this.#clock.now();
    const latest = this.#latest.get(pod.uid);
    const [shortest, longest] = REPAIR_MS;
    const calm = latest !== undefined && now - latest.notBefore > longest;
    const repairs = latest?.text === text && !calm ? latest.repairs + 1 : 0;
    const pause = repairs === 0 ? 0 : Math.min(longest, shortest * 2 ** (repairs - 1));
    this.#latest.set(pod.uid, { text, repairs, notBefore: now + pause });
    const before = this.#unseen.get(pod.uid)?.change;
    this.#unseen.set(pod.uid, { change: joined(before, change), until: undefined });
  }

  /** The latest write of the pod has ended. */
  ended(uid: string, outcome: 'written' | 'refused'): void {
    const now = this.#clock.now();
    const unseen = this.#unseen.get(uid);
    const latest = this.#latest.get(uid);
    if (outcome === 'written' && unseen) this.#unseen.set(uid, { ...unseen, until: now + PENDING_WRITE_MS });
    if (outcome === 'written') return;
    this.#unseen.delete(uid);
    if (latest) this.#latest.set(uid, { ...latest, notBefore: now + REFUSED_MS });
  }

  /** When the next write should have been seen, ms since the epoch. */
  get dueAt(): number | undefined {
    const times = Array.from(this.#unseen.values()).flatMap(({ until }) => until ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  keepOnly(uids: ReadonlySet<string>): void {
    for (const known of [this.#unseen, this.#latest])
      for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
  }
}

function joined(older: Partial<PodReport> = {}, newer: Partial<PodReport>): Partial<PodReport> {
  return {
    ...older,
    ...newer,
    annotations: { ...older.annotations, ...newer.annotations },
    labels: { ...older.labels, ...newer.labels },
  };
}
