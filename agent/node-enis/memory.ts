import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniNode, NodeEniSnapshot, NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import type { NodeEniReason } from '../../lib/model/node-enis/reasons.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';
import { nodeEniBackoff } from './backoff.ts';

type Remembered = Pick<
  NodeEniSnapshot,
  | 'startedAt'
  | 'trustAfter'
  | 'failures'
  | 'leavingSince'
  | 'createdAt'
  | 'changedAt'
  | 'absentSince'
  | 'attempted'
  | 'salts'
>;

/** A write that the watch does not show within this time is tried again, ms. */
export const PENDING_WRITE_MS = 3_000;
/** Share of the pause between two looks that each interface adds, ms. */
const POLL_MS_PER_INTERFACE = 6;
/** How long a token that EC2 holds for an unknown interface is kept before another is used, ms: describes lag by seconds. */
const MISMATCH_MS = 60_000;

/** What a process learnt about NodeENIs beside the describes. All of it may be lost: EC2's tags and tokens carry the truth. */
export class NodeEniMemory {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #failures: FailureMemory<NodeEniReason>;
  readonly #trustAfter = new Map<string, number>();
  readonly #leavingSince = new Map<EniId, number>();
  readonly #createdAt = new Map<string, number>();
  readonly #changedAt = new Map<string, number>();
  readonly #generations = new Map<string, number>();
  readonly #absentSince = new Map<EniId, number>();
  readonly #attempted = new Map<string, string>();
  readonly #salts = new Map<string, string>();
  readonly #mismatchSince = new Map<string, number>();
  readonly #tried = new Map<string, { readonly version: string; readonly at: number }>();
  #pollingSince: number | undefined;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: () => number }) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#failures = new FailureMemory({ clock, random });
  }

  /** For the snapshot. */
  get known(): Remembered {
    return {
      startedAt: this.#startedAt,
      trustAfter: this.#trustAfter,
      failures: this.#failures.known,
      leavingSince: this.#leavingSince,
      createdAt: this.#createdAt,
      changedAt: this.#changedAt,
      absentSince: this.#absentSince,
      attempted: this.#attempted,
      salts: this.#salts,
    };
  }

  /** Takes note of what the watches and the describe at hand show. */
  note(
    objects: readonly NodeEni[],
    nodes: readonly NodeEniNode[],
    present: ReadonlySet<EniId>,
    readAt: number | undefined,
  ): void {
    const now = this.#clock.now();
    const announced = nodes.flatMap(({ announcement }) => announcement?.interfaces ?? []);
    const leaving = new Set(announced.filter(({ state }) => state === 'leaving').map(({ id }) => id));
    keepOnly(this.#leavingSince, leaving, () => now);
    for (const { uid, generation } of objects) {
      if (this.#generations.get(uid) !== generation) this.#changedAt.set(uid, now);
      this.#generations.set(uid, generation);
    }
    if (readAt === undefined) return;
    const recorded = objects.flatMap(({ status }) =>
      status.nodes.flatMap(({ networkInterfaceId }) => networkInterfaceId ?? []),
    );
    keepOnly(this.#absentSince, new Set(recorded.filter((id) => !present.has(id))), () => readAt);
  }

  /** True when a write to this version of the object was tried a moment ago: the watch will show what became of it. */
  hasPendingWrite({ kind, object: { uid, resourceVersion: version } }: NodeEniStep): boolean {
    if (kind !== 'add-finalizer' && kind !== 'remove-finalizer') return false;
    const tried = this.#tried.get(uid);
    return tried?.version === version && this.#clock.now() < tried.at + PENDING_WRITE_MS;
  }

  started(step: NodeEniStep): void {
    const { uid, resourceVersion: version } = step.object;
    if (step.kind.endsWith('finalizer')) this.#tried.set(uid, { version, at: this.#clock.now() });
    if (step.kind !== 'create') return;
    this.#createdAt.set(step.object.uid, this.#clock.now());
    this.#attempted.set(step.key, step.subnetId);
  }

  succeeded({ kind, key, object }: NodeEniStep): void {
    this.#failures.succeeded(key);
    if (kind !== 'create') return;
    this.#createdAt.set(object.uid, this.#clock.now());
    for (const map of [this.#attempted, this.#salts, this.#mismatchSince]) map.delete(key);
  }

  /** Whatever was refused or left unanswered: look again before deciding again. Returns what it means, and whether that is news. */
  failed(step: NodeEniStep, cause: unknown): { reason: NodeEniReason; message: string; isNews: boolean } {
    const now = this.#clock.now();
    this.#trustAfter.set(step.key, now);
    if (step.kind === 'create') {
      this.#createdAt.set(step.object.uid, now);
      if (cause instanceof Ec2Error && cause.code === 'IdempotentParameterMismatch') this.#mismatched(step.key, now);
      // EC2 did not act: another subnet may be tried.
      else if (cause instanceof Ec2Error && cause.kind !== 'unknown-outcome') this.#attempted.delete(step.key);
    }
    const report = nodeEniBackoff(cause, step);
    const { failures } = this.#failures.failed(step.key, report);
    return { reason: report.reason, message: report.message, isNews: failures === 1 };
  }

  /** Pause until the next look at what EC2 carries out, ms: the longer it takes, and the more interfaces a look is about, the less often it is asked. */
  pollPause(interfaces: number): number {
    const now = this.#clock.now();
    this.#pollingSince ??= now;
    return Math.min(15_000, Math.max(1_000, interfaces * POLL_MS_PER_INTERFACE, (now - this.#pollingSince) / 3));
  }

  settled(): void {
    this.#pollingSince = undefined;
  }

  /** Forgets what belongs to objects and instances that are gone. A key is an object's uid, or begins with a slot's. */
  keep(uids: ReadonlySet<string>, instanceIds: ReadonlySet<string>): void {
    const lives = (key: string) => {
      const [uid = '', instanceId] = key.split('/');
      return uids.has(uid) && (instanceId === undefined || instanceIds.has(instanceId));
    };
    this.#failures.keep(new Set([...this.#failures.known.keys()].filter(lives)));
    for (const map of [
      this.#changedAt,
      this.#generations,
      this.#tried,
      this.#trustAfter,
      this.#attempted,
      this.#salts,
      this.#mismatchSince,
      this.#createdAt,
    ])
      for (const key of map.keys()) if (!lives(key)) map.delete(key);
  }

  #mismatched(key: string, now: number): void {
    const since = this.#mismatchSince.get(key) ?? now;
    this.#mismatchSince.set(key, since);
    if (now - since >= MISMATCH_MS) this.#salts.set(key, String(now));
  }
}

function keepOnly(map: Map<EniId, number>, ids: ReadonlySet<EniId>, since: () => number): void {
  for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
  for (const id of ids) if (!map.has(id)) map.set(id, since());
}
