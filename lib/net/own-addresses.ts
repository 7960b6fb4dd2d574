import type { Clock } from '../runtime/clock.ts';
import { Semaphore } from '../runtime/semaphore.ts';
import type { SeenInterface } from './live-view.ts';
import { monitorAddresses } from './monitor.ts';
import { NamespaceReader } from './reader.ts';

export interface OwnAddressesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Pause between full re-reads, the safety net of the events, ms. @default 60000 */
  readonly resyncMs?: number;
  /** The view has changed, or has become complete. Carries nothing: look at the view. */
  readonly onChange: () => void;
  readonly onProblem: (message: string, error?: unknown) => void;
}

/**
 * The addresses in the network namespace that this process runs in: a pod's own (init container and sidecar), or the host's.
 * Needs no privilege.
 */
export class OwnAddresses {
  readonly #options: OwnAddressesOptions;
  readonly #stop = new AbortController();
  readonly #reader: NamespaceReader;

  constructor(options: OwnAddressesOptions) {
    this.#options = options;
    const { clock, onChange } = options;
    this.#reader = new NamespaceReader({
      path: undefined,
      signal: this.#stop.signal,
      now: () => clock.now(),
      onChange,
      slots: new Semaphore(1),
    });
  }

  /** True while the last read succeeded. */
  get synced(): boolean {
    return this.#reader.fault === undefined;
  }

  interfaces(): readonly SeenInterface[] {
    return this.#reader.interfaces;
  }

  /** The links are others now, of which the monitor says nothing: reads them at once. */
  refresh(): void {
    void this.#read();
  }

  /** Observes until the signal aborts; resolves when the process that it started has ended. */
  async start(signal: AbortSignal): Promise<void> {
    const { clock, random, resyncMs = 60_000, onProblem } = this.#options;
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    const onGap = () => void this.#read();
    const monitor = monitorAddresses(
      {
        scope: { path: undefined },
        clock,
        random,
        onGap,
        onProblem,
        onEvent: (event) => {
          this.#reader.onEvent(event);
          void this.#read();
        },
      },
      this.#stop.signal,
    );
    while (!signal.aborted) {
      await this.#read();
      await clock.sleep(resyncMs, signal);
    }
    await monitor;
  }

  async #read(): Promise<void> {
    await this.#reader.read();
    const { fault } = this.#reader;
    if (fault !== undefined && !this.#stop.signal.aborted)
      this.#options.onProblem('cannot read our own addresses', fault);
  }
}
