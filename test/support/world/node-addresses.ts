import type { HostInterface } from '../../../agent/floating-ips/host-addresses.ts';
import type { HostKernel } from '../../../agent/floating-ips/host-kernel.ts';
import type { ConfiguredAddress } from '../../../lib/model/floating-ips/plan.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import type { HostDevice } from './host.ts';

/** How long an `ip` command takes, ms. */
const COMMAND_MS = 3;

/** The interfaces of a node itself and the addresses that its agent puts on them. They outlive the agent; a power cut empties them. */
export class NodeAddresses {
  /** Called after every change. */
  onChange: () => void = () => undefined;
  readonly #devices: readonly HostDevice[];
  readonly #watchers = new Set<() => void>();
  readonly #altNames = new Map<string, string>();
  #configured: readonly ConfiguredAddress[] = [];

  constructor(devices: readonly HostDevice[]) {
    this.#devices = devices;
  }

  get configured(): readonly ConfiguredAddress[] {
    return this.#configured;
  }

  /** Gives an interface one more name. */
  alias(device: string, name: string): void {
    this.#altNames.set(device, name);
    this.#change(this.#configured);
  }

  clear(): void {
    this.#change([]);
  }

  /** This kernel as one process of the node has it: a dead process hears of nothing and changes nothing. */
  kernelFor(clock: Clock): HostKernel {
    const command = (signal: AbortSignal, act: () => void) => clock.sleep(COMMAND_MS, signal).then(act);
    const isAt = (place: ConfiguredAddress) => (entry: ConfiguredAddress) =>
      entry.device === place.device && entry.address === place.address;
    return {
      watch: ({ onChange }) => ({
        interfaces: () => this.#interfaces(),
        refresh: () => undefined,
        start: (signal) => {
          const told = () => void clock.after(1, () => signal.aborted || onChange());
          this.#watchers.add(told);
          signal.addEventListener('abort', () => this.#watchers.delete(told), { once: true });
          told();
          return Promise.resolve();
        },
      }),
      add: (place, signal) =>
        command(signal, () => {
          const { address, prefixLength, device } = place;
          if (!this.#configured.some(isAt(place)))
            this.#change([...this.#configured, { address, prefixLength, device }]);
        }),
      remove: (place, signal) =>
        command(signal, () => this.#change(this.#configured.filter((entry) => !isAt(place)(entry)))),
    };
  }

  #change(configured: readonly ConfiguredAddress[]): void {
    this.#configured = configured;
    for (const watcher of this.#watchers) watcher();
    this.onChange();
  }

  #interfaces(): HostInterface[] {
    return this.#devices.map(({ name, mac }, index) => ({
      name,
      mac,
      ifindex: index + 2,
      altNames: [this.#altNames.get(name)].filter((alias) => alias !== undefined),
      addresses: this.#configured
        .filter(({ device }) => device === name)
        .map(({ address, prefixLength }) => ({ ip: address, prefixLength })),
    }));
  }
}
