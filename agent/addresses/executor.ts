import type { Action, AssignAction, UnassignAction } from '../../lib/model/addresses/action.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { ownershipAfter } from '../../lib/plan/addresses/ownership.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { BatchItem, Verdict } from '../../lib/runtime/batcher.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { NO_CALL, RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import type { EniCache } from '../aws/eni-cache.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import { addressReason, lastErrorOf } from '../aws/failures.ts';
import { moveIpv6, OutdatedLook } from '../aws/move-ipv6.ts';
import type { AddressEvents } from './events.ts';
import { LateAnswer } from './late-answer.ts';
import type { AddressMemory } from './memory.ts';
import { actionKey, asEc2Error, attemptEntry, entryOf } from './outcome.ts';
import type { AddressProcess } from './reconciler-options.ts';

/** What the loop knows of addresses, beside what pods want. */
interface AddressesKnown {
  readonly ledger: Journal<LedgerEntry>;
  readonly facts: EniCache;
  readonly memory: AddressMemory;
}

export interface AddressExecutorParts {
  readonly process: Pick<AddressProcess, 'clock' | 'random' | 'callSignal'>;
  readonly ec2: EniWriter;
  readonly rateLimiter: RateLimiter;
  readonly known: AddressesKnown;
  readonly events: AddressEvents;
  /** Describes the node's ENIs again; resolves when the facts are new (or the describe failed). */
  readonly refresh: (cause: string) => Promise<void>;
  /** Starts the cool-down of an address again, after a release that EC2 refused. */
  readonly postponeRelease: (address: IpAddress) => void;
}

const SETTLED: Verdict = { kind: 'settled' };

/**
 * Carries out the calls of one ENI, one at a time, and records what became of each address.
 * Every failure ends as a back-off of a claim, an error of the ENI, or a smaller batch.
 */
export class AddressExecutor {
  readonly #eni: EniId;
  readonly #parts: AddressExecutorParts;
  #lastError: Refusal | undefined;
  #failures = 0;
  #busySince: number | undefined;
  #pausedUntil = 0;
  readonly #late: LateAnswer;

  constructor(eni: EniId, parts: AddressExecutorParts) {
    this.#eni = eni;
    this.#parts = parts;
    this.#late = new LateAnswer({ clock: parts.process.clock, refresh: parts.refresh }, (address) =>
      this.#isHere(address),
    );
  }

  /** What keeps this ENI's calls from going through; undefined when nothing does. */
  get lastError(): Refusal | undefined {
    return this.#lastError;
  }

  /**
   * Waits out this ENI's pause, then for permission under the rate limit that all ENIs share, then for others' calls on this ENI: a
   * FloatingIP's, or a move of an IPv6 address away from here. Only then `act` decides what the call carries.
   */
  async call<T>(
    priority: () => number,
    signal: AbortSignal,
    act: () => Promise<T | typeof NO_CALL> | typeof NO_CALL,
  ): Promise<T | typeof NO_CALL> {
    const pause = this.#pausedUntil - this.#parts.process.clock.now();
    if (pause > 0) await this.#parts.process.clock.sleep(pause, signal);
    return this.#parts.rateLimiter.call(priority, signal, () => this.#parts.ec2.afterOthers(this.#eni, act));
  }

  /** Since when a call is under way, ms since the epoch. */
  get busySince(): number | undefined {
    return this.#busySince;
  }

  /** Carries out one call. @throws {Ec2Error} which belongs to {@link failed} */
  async perform(items: readonly BatchItem<Action>[]): Promise<Verdict> {
    this.#busySince = this.#parts.process.clock.now();
    const actions = items.map(({ value }) => value);
    if (actions[0]?.kind === 'assign') await this.#assign(actions as AssignAction[]);
    else await this.#unassign(actions as UnassignAction[]);
    this.#wentThrough();
    return SETTLED;
  }

  /** Records what a failed call means. Never rejects. */
  async failed(cause: unknown, items: readonly BatchItem<Action>[]): Promise<Verdict> {
    try {
      return await this.#judge(
        asEc2Error(cause),
        items.map((item) => item.value),
      );
    } finally {
      this.#busySince = undefined;
    }
  }

  async #assign(actions: readonly AssignAction[]): Promise<void> {
    const { process, known, events } = this.#parts;
    const { ledger, facts, memory } = known;
    const { clock } = process;
    const addresses = actions.map((action) => action.address);
    const takeover = actions.some((action) => action.takeover);
    const before = new Map(addresses.map((address) => [address, ledger.get(address)]));
    // Record before act: after a crash the ledger must know every address that EC2 may have given us.
    ledger.put(actions.map((action) => [action.address, attemptEntry(action, before.get(action.address))] as const));
    const startedAt = clock.now();
    const { requestId, assigned } = await this.#callAssign(actions, addresses, takeover);
    // An answer that names nothing is compared with what a describe shows; nobody waits for it.
    if (assigned === undefined) void this.#parts.refresh('an answer that does not say what it assigned');
    const from = new Map(actions.flatMap((action) => (action.from ? [[action.address, action.from] as const] : [])));
    facts.assigned(this.#eni, addresses, clock.now());
    const claimedAt = (action: AssignAction) => ledger.get(action.address)?.claimedAt ?? action.claim.since;
    ledger.put(
      actions.map((action) => {
        const { address } = action;
        const known = before.get(address);
        const justAccepted = memory.justAccepted(address, known?.claimedAt);
        const state = ownershipAfter({ address, eni: this.#eni, before: known, justAccepted }, assigned);
        return [address, { ...entryOf(action, state), claimedAt: claimedAt(action) }] as const;
      }),
    );
    for (const action of actions) memory.succeeded(action.claim);
    const claims = actions.map((action) => action.claim);
    events.assigned(claims, this.#eni, { durationMs: clock.now() - startedAt, requestId, takeover, from, assigned });
  }

  async #callAssign(actions: readonly AssignAction[], addresses: readonly IpAddress[], takeover: boolean) {
    const { ec2, process } = this.#parts;
    const { clock, callSignal: signal } = process;
    if (!takeover) return ec2.assign(this.#eni, addresses, { takeover, signal });
    const cancel = this.#late.watch(addresses);
    try {
      if (actions.some(({ from, address }) => from !== undefined && familyOf(address) === 6)) {
        return await moveIpv6(this.#eni, actions, { clock, ec2 }, signal);
      }
      return await ec2.assign(this.#eni, addresses, { takeover, signal });
    } finally {
      cancel();
    }
  }

  #isHere(address: IpAddress): boolean {
    const own = this.#parts.known.facts.enis.find(({ id }) => id === this.#eni);
    return own?.addresses.some(({ ip }) => ip === address) === true;
  }

  async #unassign(actions: readonly UnassignAction[]): Promise<void> {
    const { ec2, process, known, events } = this.#parts;
    const { ledger, facts } = known;
    const { clock, callSignal: signal } = process;
    const addresses = actions.map((action) => action.address);
    const startedAt = clock.now();
    const { requestId } = await ec2.unassign(this.#eni, addresses, { signal });
    facts.unassigned(this.#eni, addresses, clock.now());
    const entries = addresses.flatMap((address) => ledger.get(address) ?? []);
    // Only after the act: a crash in between repeats a release, and EC2 then says that it is not assigned.
    ledger.delete(addresses);
    events.released(entries, { durationMs: clock.now() - startedAt, requestId, takeover: false, from: new Map() });
  }

  #wentThrough(): void {
    this.#busySince = undefined;
    this.#lastError = undefined;
    this.#failures = 0;
    this.#pausedUntil = 0;
  }

  async #judge(error: Ec2Error, actions: readonly Action[]): Promise<Verdict> {
    const { events, refresh, process } = this.#parts;
    if (process.callSignal.aborted) return SETTLED;
    events.callFailed(
      error,
      this.#eni,
      actions.map((action) => action.address),
    );
    for (const action of actions) this.#doubt(action, error);
    switch (error.kind) {
      case 'throttled':
        this.#lastError = lastErrorOf(error);
        return SETTLED;
      case 'unavailable':
        this.#pause(error);
        return SETTLED;
      case 'unknown-outcome':
        // Perhaps it was done. Look before asking again: the plan then wants only what is really missing.
        this.#pause(error);
        await refresh('a call whose outcome is unknown');
        return SETTLED;
      case 'limit':
      case 'not-found':
      case 'not-assigned':
        await refresh(error.code);
        return this.#refuse(error, actions);
      case 'unauthorized':
        this.#backOff(error, actions);
        return SETTLED;
      case 'held-elsewhere':
      case 'conflict':
      case 'rejected':
        return this.#conflict(error, actions) ?? this.#refuse(error, actions);
    }
  }

  /** A takeover, and whatever may have to be taken over, is not repeated before we have looked who holds the address by then. */
  #doubt(action: Action, error: Ec2Error): void {
    if (action.kind === 'unassign') return;
    const { address, takeover, claim, from } = action;
    const isHeldRefusal = (!takeover && error.kind === 'held-elsewhere') || error instanceof OutdatedLook;
    if (isHeldRefusal || !(takeover || claim.kind === 'floating')) return;
    const askedAt = this.#parts.process.clock.now();
    // An IPv6 address that may have left its old ENI by our own call was free in between: whoever has it then, has come since.
    const ours = this.#late.seen(address) ? { before: { askedAt, eni: this.#eni } } : undefined;
    const freed = familyOf(address) === 6 && takeover && from !== undefined && error.kind === 'unknown-outcome';
    const before = ours ?? (freed ? { before: { askedAt, eni: undefined } } : {});
    this.#parts.known.memory.doubt(address, before);
  }

  /**
   * EC2 says which addresses somebody holds: those are looked up and the others, which are free, asked for again at once and among
   * themselves, so that no address is refused twice because of others. Undefined when it does not say, or says it of what nobody looks up.
   */
  #conflict(error: Ec2Error, actions: readonly Action[]): Verdict | undefined {
    const named = new Set(actions.length === 1 ? actions.map(({ address }) => address) : error.addresses);
    const held = actions.flatMap((action) => (action.kind === 'assign' && named.has(action.address) ? [action] : []));
    // Which code EC2 has for an IPv6 address that another ENI holds is not documented (FACTS §1.3).
    const isHeld = error.kind === 'held-elsewhere' || held.some(({ address }) => familyOf(address) === 6);
    if (!isHeld || held.length === 0) return undefined;
    const outdated = error instanceof OutdatedLook;
    for (const action of held) {
      // Whatever the claim turns out to be in a moment, it need not be refused once more to know this.
      if (outdated || !action.takeover)
        this.#parts.known.memory.recordHeldRefusal(action.address, action.claim.since, outdated);
      if ((action.takeover && !outdated) || !action.looksUp) this.#backOff(error, [action]);
      else this.#forgetAttempt(action, action.claim.kind !== 'floating');
    }
    return held.length === actions.length ? SETTLED : { kind: 'split', culprits: held.map(actionKey) };
  }

  /** A refused group is split until the bad address stands alone; a refused single address gets its reason. */
  #refuse(error: Ec2Error, actions: readonly Action[]): Verdict {
    if (actions.length > 1 && error.kind !== 'not-found') {
      const named = new Set(error.addresses);
      return { kind: 'split', culprits: actions.filter((action) => named.has(action.address)).map(actionKey) };
    }
    this.#backOff(error, actions);
    return SETTLED;
  }

  #backOff(error: Ec2Error, actions: readonly Action[]): void {
    const { known, postponeRelease } = this.#parts;
    for (const action of actions) {
      if (action.kind === 'unassign') {
        postponeRelease(action.address);
        continue;
      }
      known.memory.failed(
        action.claim,
        addressReason(error),
        `${action.address}: EC2 refused ${error.action}: ${error.message} (${error.code})`,
      );
      this.#forgetAttempt(action);
    }
  }

  /**
   * Surely not ours. The appearance keeps its right to a takeover, unless it was used up before this call. `takeoverDue`: the refusal is
   * recorded, so that a process which starts before the takeover need not be refused once more. What floats stands down then anyway.
   */
  #forgetAttempt(action: AssignAction, takeoverDue = false): void {
    const { ledger } = this.#parts.known;
    const entry = ledger.get(action.address);
    if (this.#isHere(action.address) || entry?.state !== 'assigning') return;
    if (entry.spent === undefined && takeoverDue) ledger.put([[action.address, entryOf(action, 'refused')]]);
    else if (entry.spent === undefined) ledger.delete([action.address]);
    else ledger.put([[action.address, { ...entryOf(action, 'lost'), claimedAt: entry.claimedAt }]]);
  }

  #pause(error: Ec2Error): void {
    const { clock, random } = this.#parts.process;
    this.#failures += 1;
    this.#pausedUntil = clock.now() + backoffMs(this.#failures, { baseMs: 100, maxMs: 15_000, random });
    this.#lastError = lastErrorOf(error);
  }
}
