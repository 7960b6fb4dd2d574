import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { KnownRoom } from '../../lib/model/eni-objects/plan.ts';
import type { InterfaceAttachment, NetworkInterface } from '../../lib/model/network-interface.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { reportFailure } from '../aws/report-failure.ts';

export interface NetworkInterfaceCacheOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: Pick<InterfaceApi, 'room'>;
  readonly rateLimit: RateLimit;
  /** Reads the interfaces that the cache is about. */
  readonly describe: (signal: AbortSignal) => Promise<readonly NetworkInterface[]>;
  readonly wake: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** Least time between two reads, ms. */
const MIN_INTERVAL_MS = 200;
/** How long our own accepted call outweighs a describe that does not show it, ms. */
const SETTLING_MS = 10_000;

interface OwnChange {
  readonly facts: NetworkInterface | undefined;
  readonly changed: Partial<NetworkInterface>;
  readonly at: number;
}

/** Interfaces and the room on instances, as described and as our own accepted calls changed them. */
export class NetworkInterfaceCache {
  readonly #options: NetworkInterfaceCacheOptions;
  readonly #signal: AbortSignal;
  readonly rooms = new Map<string, KnownRoom>();
  #interfaces = new Map<EniId, NetworkInterface>();
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;
  readonly #asking = new Map<string, Promise<void>>();
  #failures = 0;
  readonly #own = new Map<EniId, OwnChange>();

  constructor(options: NetworkInterfaceCacheOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  get interfaces(): readonly NetworkInterface[] {
    return [...this.#interfaces.values()];
  }

  /** When the last read was asked for, ms since the epoch. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  find(eni: EniId): NetworkInterface | undefined {
    return this.#interfaces.get(eni);
  }

  /** When our own accepted calls changed interfaces that a describe may not show yet, ms since the epoch. */
  get touchedAt(): ReadonlyMap<EniId, number> {
    return new Map(Array.from(this.#own, ([id, { at }]) => [id, at]));
  }

  made(facts: NetworkInterface): void {
    this.#own.set(facts.id, { facts, changed: { tags: facts.tags }, at: this.#options.clock.now() });
    this.#interfaces.set(facts.id, facts);
  }

  gone(eni: EniId): void {
    this.#own.set(eni, { facts: undefined, changed: {}, at: this.#options.clock.now() });
    this.#interfaces.delete(eni);
  }

  /** An accepted call of ours changed this much of an interface. */
  changed(eni: EniId, change: Partial<NetworkInterface>): void {
    const facts = this.#interfaces.get(eni);
    if (facts === undefined) return;
    const earlier = this.#own.get(eni)?.changed;
    this.#own.set(eni, {
      facts: { ...facts, ...change },
      changed: { ...earlier, ...change },
      at: this.#options.clock.now(),
    });
    this.#interfaces.set(eni, { ...facts, ...change });
  }

  /** Reads soon; one read at a time. */
  request(): void {
    if (!this.#signal.aborted) this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
  }

  /** Asks for the room on an instance; one question at a time for each. */
  requestRoom(instanceId: string): void {
    if (this.#signal.aborted || this.#asking.has(instanceId)) return;
    this.#asking.set(
      instanceId,
      this.#askRoom(instanceId).finally(() => this.#asking.delete(instanceId)),
    );
  }

  async idle(): Promise<void> {
    await Promise.all([this.#reading, ...this.#asking.values()]);
  }

  async #read(): Promise<void> {
    const { clock, random, describe } = this.#options;
    const sinceLast = this.#readAt === undefined ? 0 : this.#readAt + MIN_INTERVAL_MS - clock.now();
    const pause = this.#failures > 0 ? backoffMs(this.#failures, { baseMs: 500, maxMs: 60_000, random }) : sinceLast;
    if (pause > 0) await clock.sleep(pause, this.#signal);
    await this.#ask('cannot read the network interfaces', async (askedAt) => {
      this.#take(await describe(this.#signal), askedAt);
    });
  }

  async #askRoom(instanceId: string): Promise<void> {
    await this.#ask('cannot read the room on an instance', async (at) => {
      const room = await this.#options.ec2.room(instanceId, { signal: this.#signal });
      this.rooms.set(instanceId, { room, at });
    });
  }

  async #ask(fault: string, question: (askedAt: number) => Promise<void>): Promise<void> {
    const { clock, rateLimit, random, wake, onProblem } = this.#options;
    if (!(await rateLimit.admit(() => 1, this.#signal))) return;
    try {
      await question(clock.now());
      rateLimit.succeeded();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      reportFailure(rateLimit, error);
      if (this.#signal.aborted) return;
      onProblem(fault, error);
      await clock.sleep(backoffMs(this.#failures, { baseMs: 500, maxMs: 60_000, random }), this.#signal);
    }
    wake();
  }

  #take(described: readonly NetworkInterface[], askedAt: number): void {
    const interfaces = new Map(described.map((facts) => [facts.id, facts]));
    for (const [id, own] of this.#own) {
      if (askedAt - own.at > SETTLING_MS) this.#own.delete(id);
      else if (own.facts === undefined) interfaces.delete(id);
      else interfaces.set(id, merged(interfaces.get(id), own.facts, own.changed));
    }
    this.#interfaces = interfaces;
    this.#readAt = askedAt;
  }
}

/** Describes lag behind EC2's answers: for a while what we changed ourselves is believed, except where the describe is ahead. */
function merged(
  described: NetworkInterface | undefined,
  ours: NetworkInterface,
  changed: Partial<NetworkInterface>,
): NetworkInterface {
  if (described === undefined) return ours;
  const attachment = 'attachment' in changed ? furthest(described.attachment, ours.attachment) : described.attachment;
  // Of our addresses the describe still knows best which have an Elastic IP.
  const addresses = changed.addresses?.map((entry) => described.addresses.find(({ ip }) => ip === entry.ip) ?? entry);
  const tags = { ...described.tags, ...changed.tags };
  return { ...described, ...changed, tags, attachment, addresses: addresses ?? described.addresses };
}

/** An attachment begins, stands, ends and is gone, in this order; a new one has a new id. */
function furthest(
  described: InterfaceAttachment | undefined,
  ours: InterfaceAttachment | undefined,
): InterfaceAttachment | undefined {
  if (ours === undefined) return described;
  if (described === undefined) return ours.state === 'detaching' ? undefined : ours;
  const isBehind = described.id !== ours.id || (ours.state === 'detaching' && described.state !== 'detaching');
  return isBehind ? ours : described;
}
