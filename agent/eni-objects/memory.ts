import type { EniObject, EniReason } from '../../lib/model/eni-objects/eni-object.ts';
import type { EniSnapshot, EniStep, LostAssign } from '../../lib/model/eni-objects/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { NetworkInterface } from '../../lib/model/network-interface.ts';
import type { Ending } from '../../lib/model/retention.ts';
import { identify } from '../../lib/plan/eni-objects/identify.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory, type FailureReport } from '../../lib/runtime/failure-memory.ts';

type Remembered = Pick<
  EniSnapshot,
  'trustAfter' | 'changedAt' | 'lostAssigns' | 'absentSince' | 'surelyGone' | 'backoffs' | 'endings'
>;

/** A write that the watch does not show within this time is tried again, ms. */
export const PENDING_WRITE_MS = 3_000;
/** How long a call whose answer was lost may still explain an address that nobody counted, ms. */
const LOST_FOR_MS = 15 * 60_000;

/** What a process learnt about ENI objects beside the describes. All of it may be lost: EC2's tags and tokens carry the truth. */
export class EniObjectMemory {
  readonly #clock: Clock;
  readonly #backoffs: FailureMemory<EniReason>;
  readonly #trustAfter = new Map<string, number>();
  readonly #changedAt = new Map<string, number>();
  readonly #lostAssigns = new Map<string, LostAssign>();
  readonly #absentSince = new Map<string, number>();
  readonly #surelyGone = new Set<string>();
  readonly #endings = new Map<string, Ending>();
  readonly #pollingSince = new Map<string, number>();
  readonly #specs = new Map<string, string>();
  readonly #tried = new Map<string, { readonly version: string; readonly at: number }>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: () => number }) {
    this.#clock = clock;
    this.#backoffs = new FailureMemory({ clock, random });
  }

  /** For the snapshot. */
  get known(): Remembered {
    return {
      trustAfter: this.#trustAfter,
      absentSince: this.#absentSince,
      surelyGone: this.#surelyGone,
      backoffs: this.#backoffs.known,
      changedAt: this.#changedAt,
      lostAssigns: this.#lostAssigns,
      endings: this.#endings,
    };
  }

  /**
   * Takes note of objects and of the describe that is at hand. A changed object is judged by a describe that is younger than it: an Elastic
   * IP may have come to an address a moment ago.
   */
  note(
    objects: readonly EniObject[],
    interfaces: readonly NetworkInterface[],
    readAt: number | undefined,
    clusterName: string,
  ): void {
    this.#forget(new Set(objects.map(({ uid }) => uid)));
    for (const object of objects) {
      const wanted = JSON.stringify([object.spec, object.terminating]);
      if (this.#specs.get(object.uid) !== wanted) {
        this.#trustAfter.set(object.uid, this.#clock.now());
        this.#changedAt.set(object.uid, this.#clock.now());
      }
      this.#specs.set(object.uid, wanted);
      if (readAt === undefined || readAt < (this.#trustAfter.get(object.uid) ?? 0)) continue;
      const { own, surplus } = identify(object, interfaces, clusterName);
      if (own !== undefined || surplus.length > 0) this.#absentSince.delete(object.uid);
      else if (!this.#absentSince.has(object.uid)) this.#absentSince.set(object.uid, readAt);
    }
  }

  /** The API server said why an object goes. */
  ended({ uid }: EniObject, ending: Ending): void {
    this.#endings.set(uid, ending);
  }

  /** A creating call starts, or came to nothing known: the absence of an interface counts again. */
  mayAppear({ uid }: EniObject): void {
    this.#absentSince.delete(uid);
  }

  /** The answer to a call for more addresses was lost: some may come that nobody counted. `before`: what the interface had. */
  mayHaveAssigned(
    { object: { uid }, count }: Extract<EniStep, { kind: 'assign' }>,
    before: readonly IpAddress[],
  ): void {
    const earlier = this.#lostAssigns.get(uid);
    this.#lostAssigns.set(uid, {
      before: earlier?.before ?? new Set(before),
      count: count + (earlier?.count ?? 0),
      at: this.#clock.now(),
    });
  }

  succeeded({ kind, object: { uid } }: EniStep): void {
    this.#backoffs.succeeded(uid);
    if (kind === 'delete') this.#surelyGone.add(uid);
    if (kind === 'create') this.#surelyGone.delete(uid);
  }

  /**
   * True when a write to this version of the object was tried a moment ago: the watch will show what became of it, be it that the
   * object had changed meanwhile (a status of ours counts as such a change where it is not a sub-resource).
   */
  hasPendingWrite({ uid, resourceVersion: version }: EniObject): boolean {
    const tried = this.#tried.get(uid);
    return tried?.version === version && this.#clock.now() < tried.at + PENDING_WRITE_MS;
  }

  noteWrite({ uid, resourceVersion: version }: EniObject): void {
    this.#tried.set(uid, { version, at: this.#clock.now() });
  }

  /** Whatever was refused or left unanswered: look again before deciding again. Returns the failures in a row. */
  failed({ uid }: EniObject, refusal: FailureReport<EniReason>): number {
    this.#trustAfter.set(uid, this.#clock.now());
    this.#surelyGone.delete(uid);
    return this.#backoffs.failed(uid, refusal).failures;
  }

  /** Pause until the next look at what EC2 carries out, ms: the longer it takes, the less often it is asked. */
  pollPause({ uid }: EniObject): number {
    const now = this.#clock.now();
    const since = this.#pollingSince.get(uid) ?? now;
    this.#pollingSince.set(uid, since);
    return Math.min(15_000, Math.max(1_000, (now - since) / 3));
  }

  settled({ uid }: EniObject): void {
    this.#pollingSince.delete(uid);
  }

  #forget(uids: ReadonlySet<string>): void {
    this.#backoffs.keep(uids);
    const maps = [
      this.#trustAfter,
      this.#changedAt,
      this.#lostAssigns,
      this.#absentSince,
      this.#surelyGone,
      this.#endings,
      this.#pollingSince,
      this.#specs,
      this.#tried,
    ];
    for (const [uid, { at }] of this.#lostAssigns)
      if (at + LOST_FOR_MS < this.#clock.now()) this.#lostAssigns.delete(uid);
    for (const map of maps) for (const uid of map.keys()) if (!uids.has(uid)) map.delete(uid);
  }
}
