import { addressOn, type Eni, type EniId } from '../../lib/model/eni.ts';
import type { HostAddress } from '../../lib/model/floating-ips/floating-ip.ts';
import type { Placement } from '../../lib/model/floating-ips/plan.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { placeAddress } from '../../lib/plan/floating-ips/place.ts';
import { mayHaveLeft } from '../../lib/plan/floating-ips/takeover.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { AddressMetrics } from '../../lib/runtime/metrics.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import { permitted } from '../aws/permitted.ts';
import { assign, type Outcome, outcomeOf } from '../floating-ips/address-writer.ts';
import { HostHolderLookup } from '../floating-ips/holder-lookup.ts';
import type { HostAddresses } from '../floating-ips/host-addresses.ts';

export interface HostIpReconcilerOptions {
  readonly process: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: Logger;
    readonly metrics: Pick<AddressMetrics, 'tookOver'>;
  };
  readonly ec2: EniWriter;
  readonly rateLimit: RateLimit;
  readonly instanceId: string;
  readonly host: HostAddresses;
  readonly wanted: readonly HostAddress[];
  readonly interface: string | undefined;
}

/** Between two tries of what did not work yet, ms: the first and the longest pause. */
const RETRY = { baseMs: 1_000, maxMs: 15_000 };
/** Between two looks at EC2 while all is well, ms. */
const LOOK_MS = 60_000;
/** EC2's describes lag behind: a loss is believed when two looks this far apart show it, ms. */
const SETTLING_MS = 5_000;

/**
 * Puts addresses on this node and keeps them there. One takeover, at the start: whoever takes an address away later was started later
 * and keeps it, so that two copies by mistake do not make two nodes fight.
 */
export class HostIpReconciler {
  readonly #parts: HostIpReconcilerOptions;
  readonly #look: HostHolderLookup;
  #enis: readonly Eni[] = [];
  #places: readonly Placement[] = [];
  /** Accepted by EC2, or found on our ENI. */
  readonly #taken = new Set<IpAddress>();
  readonly #lost = new Set<IpAddress>();
  /** Who had an address when it was first asked for; empty: nobody. Whoever has it instead at a later try keeps it. */
  readonly #from = new Map<IpAddress, EniId>();
  readonly #since: number;
  /** Why it is not done yet, for the message of a time-out. */
  fault = 'EC2 did not answer';

  constructor(parts: HostIpReconcilerOptions) {
    this.#parts = parts;
    this.#since = parts.process.clock.now();
    this.#look = new HostHolderLookup({ ...parts, clusterName: undefined, enis: () => this.#enis });
  }

  get places(): readonly Placement[] {
    return this.#places;
  }

  /**
   * Resolves with true when EC2 shows every address on our ENI and the interface has it, or somebody who came later has it; with false when
   * the signal aborts first.
   */
  async take(signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#parts.process;
    for (let failures = 1; !signal.aborted; failures += 1) {
      if ((await this.#locate(signal)) && (await this.#takeAll(signal)) && (await this.#confirmed(signal))) {
        await this.#configure(signal);
        return true;
      }
      await clock.sleep(backoffMs(failures, { ...RETRY, random }), signal);
    }
    return false;
  }

  /** Puts back on the interface what is missing there, and stands down from what EC2 gave to somebody else. Until the signal aborts. */
  async keep(changed: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts.process;
    let lookAt = clock.now() + LOOK_MS;
    while (!signal.aborted) {
      await changed(signal);
      if (signal.aborted) return;
      try {
        if (clock.now() >= lookAt) {
          lookAt = clock.now() + LOOK_MS;
          await this.#lookAgain(signal);
        }
        await this.#configure(signal);
      } catch (error) {
        log.warn('cannot keep the address in place; trying again', { error });
      }
    }
  }

  /** Takes the addresses off the interface; in EC2 they stay until the next holder moves them. */
  async leave(signal: AbortSignal): Promise<void> {
    const { host } = this.#parts;
    for (const entry of host.configured()) {
      if (this.#places.some(({ address, device }) => address === entry.address && device === entry.device))
        await host.remove(entry, signal);
    }
  }

  async #locate(signal: AbortSignal): Promise<boolean> {
    const { host, wanted } = this.#parts;
    if (!(await this.#describe(signal))) return false;
    const found = wanted.map((one) =>
      placeAddress(one, {
        enis: this.#enis,
        devices: host.devices(),
        aliases: host.aliases(),
        wanted: this.#parts.interface,
        preferPrimary: true,
      }),
    );
    const places = found.filter((place) => 'eni' in place);
    const unfit = found.find((place) => 'reason' in place);
    if (unfit) this.fault = `${unfit.reason}: ${unfit.message}`;
    this.#places = places;
    return unfit === undefined;
  }

  /** One call per ENI and family; what has been accepted is not asked for again. */
  async #takeAll(signal: AbortSignal): Promise<boolean> {
    const waiting = this.#places.filter(({ address }) => !this.#taken.has(address) && !this.#lost.has(address));
    if (waiting.length === 0) return true;
    const takeFrom = await this.#takeable(waiting, signal);
    if (takeFrom === undefined) return false;
    const groups = Map.groupBy(
      waiting.filter(({ address }) => takeFrom.has(address)),
      ({ eni, address }) => `${eni} ${familyOf(address)}`,
    );
    for (const places of groups.values()) if (!(await this.#takeOver(places, takeFrom, signal))) return false;
    return waiting.every(({ address }) => this.#taken.has(address) || this.#lost.has(address));
  }

  /** Looks who has the addresses, before each try. The answer has those that may be taken, each with its ENI, empty for none. */
  async #takeable(
    places: readonly Placement[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<IpAddress, EniId> | undefined> {
    const { clock } = this.#parts.process;
    const requests = places.map(({ address, eni }) => ({
      address,
      eni,
      from: this.#from.get(address),
      mayHaveLeft: mayHaveLeft({
        eni,
        from: this.#from.get(address),
        isOurs: false,
        heldMs: clock.now() - this.#since,
      }),
      onProtected: true,
    }));
    const judged = await this.#look.judge(requests, { allowed: () => !signal.aborted, signal }).catch(outcomeOf);
    if ('kind' in judged) {
      this.#failed(judged);
      return undefined;
    }
    const takeable = new Map<IpAddress, EniId>();
    for (const [address, { takeover, holder }] of judged) {
      if (takeover.kind === 'take') takeable.set(address, holder?.eni ?? '');
      if (takeover.kind === 'here') this.#taken.add(address);
      if (takeover.kind === 'lost') this.#standDown(address, takeover.holder);
      if (takeover.kind === 'refused') this.#failed(takeover.refusal);
      this.#from.set(address, this.#from.get(address) ?? holder?.eni ?? '');
    }
    return takeable;
  }

  async #takeOver(
    places: readonly Placement[],
    takeFrom: ReadonlyMap<IpAddress, EniId>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { log, metrics } = this.#parts.process;
    const eni = places[0]?.eni ?? '';
    const addresses = places.map(({ address }) => address);
    const held = new Map([...takeFrom].filter(([, from]) => from !== ''));
    const outcome = await this.#assign(eni, addresses, held, signal);
    if (outcome.kind !== 'done') {
      this.#failed(outcome);
      return false;
    }
    for (const address of addresses) this.#taken.add(address);
    // They were here already.
    if (outcome.assigned?.length === 0) return true;
    const losers = addresses.flatMap((address) => held.get(address) ?? []).filter((id) => id !== eni);
    for (const loser of losers) metrics.tookOver('host-ip', loser);
    const from = [...new Set(losers)].join(', ');
    log.info('took address over', { addresses, eni, from, requestId: outcome.requestId });
    return true;
  }

  #failed({ reason, message }: Pick<Refusal, 'reason' | 'message'>): void {
    this.fault = `${reason}: ${message}`;
    this.#parts.process.log.warn('cannot take the address over yet', { reason, message });
  }

  #standDown(address: IpAddress, holder?: EniId): void {
    if (!this.#lost.has(address))
      this.#parts.process.log.error('another ENI has taken the address; standing down', { address, holder });
    this.#lost.add(address);
  }

  async #confirmed(signal: AbortSignal): Promise<boolean> {
    this.fault = 'EC2 accepted the addresses but does not show them yet';
    return (
      (await this.#describe(signal)) &&
      this.#places.every((place) => this.#lost.has(place.address) || this.#isHere(place))
    );
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    const { process, host } = this.#parts;
    if (!(await this.#describe(signal))) return;
    if (this.#places.some((place) => !this.#isHere(place))) {
      await process.clock.sleep(SETTLING_MS, signal);
      if (!(await this.#describe(signal))) return;
    }
    for (const place of this.#places) {
      const { address, eni } = place;
      if (this.#isHere(place)) {
        this.#lost.delete(address);
        continue;
      }
      this.#standDown(address);
      const entry = host.configured().find((one) => one.address === address);
      if (entry) await host.remove(entry, signal);
      // Only if it is free: whoever has it was started later.
      const outcome = await this.#assign(eni, [address], undefined, signal);
      if (outcome.kind === 'done') this.#lost.delete(address);
    }
  }

  async #configure(signal: AbortSignal): Promise<void> {
    const { host, process } = this.#parts;
    const configured = host.configured();
    for (const place of this.#places) {
      const there = configured.some(({ address, device }) => address === place.address && device === place.device);
      if (there || this.#lost.has(place.address)) continue;
      await host.add(place, signal);
      process.log.info('put address on the interface', { address: place.address, interface: place.device });
    }
  }

  #assign(
    eni: EniId,
    addresses: readonly IpAddress[],
    takeFrom: ReadonlyMap<IpAddress, EniId> | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { process, ec2, rateLimit } = this.#parts;
    const parts = { clock: process.clock, ec2, rateLimit };
    return assign(parts, { eni, addresses, takeFrom, allowed: () => !signal.aborted, signal });
  }

  async #describe(signal: AbortSignal): Promise<boolean> {
    const { ec2, rateLimit, instanceId } = this.#parts;
    const permission = { rateLimit, priority: 1, allowed: () => true, signal };
    try {
      this.#enis = await permitted(permission, () => ec2.describeEnis(instanceId, { signal }));
      return true;
    } catch (error) {
      this.fault = String(error);
      return false;
    }
  }

  #isHere({ eni, address }: Placement): boolean {
    const found = this.#enis.find(({ id }) => id === eni);
    return found !== undefined && addressOn(found, address) !== undefined;
  }
}
