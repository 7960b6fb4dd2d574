import { addressOn, type Eni, type EniId } from '../../lib/model/eni.ts';
import type { HostAddress } from '../../lib/model/floating-ip.ts';
import type { Placement } from '../../lib/model/floating-ip-plan.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import { placeAddress } from '../../lib/plan/floating/place.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { assign, type Ec2HandParts, type Outcome } from '../floating/ec2-hand.ts';
import type { HostInterfaces } from '../floating/host-interfaces.ts';

export interface KeeperParts extends Ec2HandParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly instanceId: string;
  readonly host: HostInterfaces;
  readonly wanted: readonly HostAddress[];
  readonly interface: string | undefined;
}

/** Between two tries of what did not work yet, ms. */
const RETRY_MS = 1_000;
/** Between two looks at EC2 while all is well, ms. */
const LOOK_MS = 60_000;
/** EC2's describes lag behind: a loss is believed when two looks this far apart show it, ms. */
const SETTLING_MS = 5_000;

/**
 * Puts addresses on this node and keeps them there. One takeover, at the start: whoever takes an address away later was started later
 * and keeps it, so that two copies by mistake do not make two nodes fight.
 */
export class HostIpKeeper {
  readonly #parts: KeeperParts;
  #enis: readonly Eni[] = [];
  #places: readonly Placement[] = [];
  #lost = new Set<IpAddress>();
  /** Why it is not done yet, for the message of a time-out. */
  fault = 'EC2 did not answer';

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  get places(): readonly Placement[] {
    return this.#places;
  }

  /** Resolves with true when EC2 shows every address on our ENI and the interface has it; with false when the signal aborts first. */
  async take(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    const taken = new Set<string>();
    while (!signal.aborted) {
      if ((await this.#locate(signal)) && (await this.#assignAll(taken, signal)) && (await this.#confirmed(signal))) {
        await this.#configure(signal);
        return true;
      }
      await clock.sleep(RETRY_MS, signal);
    }
    return false;
  }

  /** Puts back on the interface what is missing there, and stands down from what EC2 gave to somebody else. Until the signal aborts. */
  async keep(changed: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    let lookAt = clock.now() + LOOK_MS;
    while (!signal.aborted) {
      await changed(signal);
      if (signal.aborted) return;
      try {
        if (clock.now() >= lookAt) {
          lookAt = clock.now() + LOOK_MS;
          await this.#look(signal);
        }
        await this.#configure(signal);
      } catch (error) {
        log.warn('cannot look after the address; trying again', { error });
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
  async #assignAll(taken: Set<string>, signal: AbortSignal): Promise<boolean> {
    const { log } = this.#parts;
    const groups = Map.groupBy(this.#places, ({ eni, address }) => `${eni} ${familyOf(address)}`);
    for (const [key, places] of groups) {
      if (taken.has(key)) continue;
      const addresses = places.map(({ address }) => address);
      const outcome = await this.#assign(places[0]?.eni ?? '', addresses, true, signal);
      if (outcome.kind !== 'done') {
        this.fault = `${outcome.reason}: ${outcome.message}`;
        log.warn('cannot take the address over yet', { addresses, reason: outcome.reason, message: outcome.message });
        return false;
      }
      taken.add(key);
      log.info('took address over', { addresses, eni: places[0]?.eni, requestId: outcome.requestId });
    }
    return true;
  }

  async #confirmed(signal: AbortSignal): Promise<boolean> {
    this.fault = 'EC2 accepted the addresses but does not show them yet';
    return (await this.#describe(signal)) && this.#places.every((place) => this.#isHere(place));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log, host } = this.#parts;
    if (!(await this.#describe(signal))) return;
    if (this.#places.some((place) => !this.#isHere(place))) {
      await clock.sleep(SETTLING_MS, signal);
      if (!(await this.#describe(signal))) return;
    }
    for (const place of this.#places) {
      const { address, eni } = place;
      if (this.#isHere(place)) {
        this.#lost.delete(address);
        continue;
      }
      if (!this.#lost.has(address)) log.error('another ENI has taken the address; standing down', { address, eni });
      this.#lost.add(address);
      const entry = host.configured().find((one) => one.address === address);
      if (entry) await host.remove(entry, signal);
      // Only if it is free: whoever has it was started later.
      const outcome = await this.#assign(eni, [address], false, signal);
      if (outcome.kind === 'done') this.#lost.delete(address);
    }
  }

  async #configure(signal: AbortSignal): Promise<void> {
    const { host, log } = this.#parts;
    const configured = host.configured();
    for (const place of this.#places) {
      const there = configured.some(({ address, device }) => address === place.address && device === place.device);
      if (there || this.#lost.has(place.address)) continue;
      await host.add(place, signal);
      log.info('put address on the interface', { address: place.address, interface: place.device });
    }
  }

  #assign(eni: EniId, addresses: readonly IpAddress[], takeover: boolean, signal: AbortSignal): Promise<Outcome> {
    return assign(this.#parts, { eni, addresses, takeover, allowed: () => !signal.aborted, signal });
  }

  async #describe(signal: AbortSignal): Promise<boolean> {
    const { ec2, instanceId } = this.#parts;
    try {
      this.#enis = await ec2.describeEnis(instanceId, { signal });
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
