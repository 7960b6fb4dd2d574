import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { KnownRoom } from '../../lib/model/eni-objects/plan.ts';
import type { InterfaceAttachment, NetworkInterface } from '../../lib/model/network-interface.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { ObservedCache } from '../../lib/runtime/observed-cache.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { ec2Limiter, isThrottling } from '../aws/rate-limiter.ts';

export interface NetworkInterfaceCacheOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly ec2: Pick<InterfaceApi, 'room'>;
  readonly rateLimit: RateLimit;
  /** Reads the interfaces that the cache is about. */
  readonly describe: (signal: AbortSignal) => Promise<readonly NetworkInterface[]>;
  readonly trigger: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** Least time between two reads, ms. */
const MIN_INTERVAL_MS = 200;
/** First and longest pause after a read that failed, ms. */
const FAILED = [500, 60_000] as const;

interface OwnChange {
  readonly id: EniId;
  /** Undefined: deleted. */
  readonly facts: NetworkInterface | undefined;
  readonly changed: Partial<NetworkInterface>;
}

/** Interfaces and the room on instances, as described and as our own accepted calls changed them. */
export class NetworkInterfaceCache {
  readonly #options: NetworkInterfaceCacheOptions;
  readonly #signal: AbortSignal;
  readonly rooms = new Map<string, KnownRoom>();
  readonly #observed = new ObservedCache<Map<EniId, NetworkInterface>, EniId, OwnChange>({
    initial: new Map(),
    lay: layChange,
  });
  readonly #refresher: Refresher<readonly NetworkInterface[]>;
  /** By instance. */
  readonly #roomRefreshers = new Map<string, Refresher<KnownRoom['room']>>();

  constructor(options: NetworkInterfaceCacheOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#refresher = this.#refresherOf(
      'cannot read the network interfaces',
      () => options.describe(signal),
      this.#take,
    );
  }

  get interfaces(): readonly NetworkInterface[] {
    return [...this.#observed.value.values()];
  }

  /** When the last read was asked for, ms since the epoch. */
  get readAt(): number | undefined {
    return this.#observed.readAt;
  }

  find(eni: EniId): NetworkInterface | undefined {
    return this.#observed.value.get(eni);
  }

  /** When our own accepted calls changed interfaces that a describe may not show yet, ms since the epoch. */
  get touchedAt(): ReadonlyMap<EniId, number> {
    return this.#observed.pendingSince;
  }

  made(facts: NetworkInterface): void {
    this.#wrote({ id: facts.id, facts, changed: { tags: facts.tags } });
  }

  gone(eni: EniId): void {
    this.#wrote({ id: eni, facts: undefined, changed: {} });
  }

  /** An accepted call of ours changed this much of an interface. */
  changed(eni: EniId, change: Partial<NetworkInterface>): void {
    const facts = this.#observed.value.get(eni);
    if (facts === undefined) return;
    const earlier = this.#observed.pending(eni)?.changed;
    this.#wrote({ id: eni, facts: { ...facts, ...change }, changed: { ...earlier, ...change } });
  }

  /** Reads soon; one read at a time. */
  request(): void {
    this.#refresher.request();
  }

  /** Asks for the room on an instance; one question at a time for each. */
  requestRoom(instanceId: string): void {
    const known = this.#roomRefreshers.get(instanceId);
    if (known !== undefined) return known.request();
    const { ec2 } = this.#options;
    const refresher = this.#refresherOf(
      'cannot read the room on an instance',
      () => ec2.room(instanceId, { signal: this.#signal }),
      (room, at) => this.rooms.set(instanceId, { room, at }),
    );
    this.#roomRefreshers.set(instanceId, refresher);
    refresher.request();
  }

  async idle(): Promise<void> {
    await Promise.all([this.#refresher, ...this.#roomRefreshers.values()].map((refresher) => refresher.idle()));
  }

  #refresherOf<T>(fault: string, read: () => Promise<T>, answer: (answer: T, askedAt: number) => void): Refresher<T> {
    const { clock, random, rateLimit, trigger: end, onProblem } = this.#options;
    const permission = { rateLimiter: ec2Limiter(rateLimit), priority: () => 1 };
    const pause = (error: unknown) => (isThrottling(error) ? undefined : FAILED);
    const pace = { minIntervalMs: MIN_INTERVAL_MS, pause };
    const failure = (error: unknown) => onProblem(fault, error);
    return new Refresher({ clock, random, permission, pace, read, on: { answer, failure, end } }, this.#signal);
  }

  readonly #take = (described: readonly NetworkInterface[], askedAt: number): void => {
    this.#observed.read(new Map(described.map((facts) => [facts.id, facts])), askedAt);
  };

  #wrote(change: OwnChange): void {
    this.#observed.wrote(change.id, change, this.#options.clock.now());
  }
}

function layChange(
  interfaces: Map<EniId, NetworkInterface>,
  { id, facts, changed }: OwnChange,
  { askedAt }: { readonly askedAt: number | undefined },
): Map<EniId, NetworkInterface> {
  if (facts === undefined) interfaces.delete(id);
  else interfaces.set(id, askedAt === undefined ? facts : merged(interfaces.get(id), facts, changed));
  return interfaces;
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
  return isBehind ? ours : { ...described, deleteOnTermination: ours.deleteOnTermination };
}
