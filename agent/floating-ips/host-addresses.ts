import type { Mac } from '../../lib/model/eni.ts';
import type { ConfiguredAddress } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

/** An interface of the host with its addresses, as the kernel has them. */
export interface HostInterface {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: Mac | undefined;
  readonly altNames?: readonly string[];
  readonly addresses: readonly { readonly ip: IpAddress; readonly prefixLength: number }[];
}

/** The host's interfaces: a view that follows the kernel, and two commands. */
export interface HostPort {
  interfaces(): readonly HostInterface[];
  /** Adding what is there, or removing what is not, is fine. */
  add(place: ConfiguredAddress, signal: AbortSignal): Promise<void>;
  remove(place: ConfiguredAddress, signal: AbortSignal): Promise<void>;
}

/** How long our own command outweighs a view that does not show it yet, ms: the kernel's event is there within some ms. */
const PENDING_CHANGE_MS = 1_000;

/** The host's interfaces as they are after our own commands, also before the kernel's events have said so. */
export class HostAddresses {
  readonly #port: HostPort;
  readonly #clock: Clock;
  readonly #own = new Map<
    string,
    { readonly place: ConfiguredAddress; readonly present: boolean; readonly until: number }
  >();

  constructor(port: HostPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /** False until the kernel has been asked: an empty view must not be taken for "nothing is configured". */
  get known(): boolean {
    return this.#port.interfaces().length > 0;
  }

  /** The interface that has each MAC itself: the lowest index, because children of it may share the MAC and come later. */
  devices(): ReadonlyMap<Mac, string> {
    const ordered = this.#port.interfaces().toSorted((a, b) => b.ifindex - a.ifindex);
    return new Map(ordered.flatMap(({ mac, name }) => (mac === undefined ? [] : [[mac, name] as const])));
  }

  /** What interfaces are called besides their own name, each with that name. */
  aliases(): ReadonlyMap<string, string> {
    const all = this.#port.interfaces();
    return new Map(all.flatMap(({ name, altNames = [] }) => altNames.map((alias) => [alias, name] as const)));
  }

  configured(): readonly ConfiguredAddress[] {
    const seen = this.#port
      .interfaces()
      .flatMap(({ name, addresses }) =>
        addresses.map(({ ip, prefixLength }) => ({ address: ip, prefixLength, device: name })),
      );
    this.#settle(new Set(seen.map(keyOf)));
    const added = [...this.#own.values()].filter(
      ({ present, place }) => present && !seen.some((entry) => keyOf(entry) === keyOf(place)),
    );
    return [
      ...seen.filter((entry) => this.#own.get(keyOf(entry))?.present !== false),
      ...added.map(({ place }) => place),
    ];
  }

  async add(place: ConfiguredAddress, signal: AbortSignal): Promise<void> {
    await this.#port.add(place, signal);
    this.#note(place, true);
  }

  async remove(place: ConfiguredAddress, signal: AbortSignal): Promise<void> {
    await this.#port.remove(place, signal);
    this.#note(place, false);
  }

  /** Forgets a command once the view shows its effect: what the view says from then on is news. */
  #settle(seen: ReadonlySet<string>): void {
    const now = this.#clock.now();
    for (const [key, { present, until }] of this.#own) {
      if (until <= now || seen.has(key) === present) this.#own.delete(key);
    }
  }

  #note({ address, prefixLength, device }: ConfiguredAddress, present: boolean): void {
    const place = { address, prefixLength, device };
    this.#own.set(keyOf(place), { place, present, until: this.#clock.now() + PENDING_CHANGE_MS });
  }
}

function keyOf({ address, prefixLength, device }: ConfiguredAddress): string {
  return `${device} ${address}/${prefixLength}`;
}
