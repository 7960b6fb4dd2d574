import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly onFailure: (task: string, error: unknown, retryInMs: number) => void;
}

/**
 * Owns the promises of long-running tasks: a task that fails or ends early is started again with back-off until the signal
 * aborts; `finished` resolves when all have ended. Nothing floats.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #signal: AbortSignal;
  readonly #tasks: Promise<void>[] = [];

  constructor(options: SupervisorOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  keep(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    this.#tasks.push(this.#loop(name, task));
  }

  async finished(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  async #loop(name: string, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, random, onFailure } = this.#options;
    let failures = 0;
    while (!this.#signal.aborted) {
      const startedAt = clock.now();
      let fault: unknown = new Error('ended before it was asked to');
      try {
        await task(this.#signal);
      } catch (error) {
        fault = error;
      }
      if (this.#signal.aborted) return;
      failures = clock.now() - startedAt > 60_000 ? 1 : failures + 1;
      const pause = backoffMs(failures, { baseMs: 200, maxMs: 30_000, random });
      onFailure(name, fault, pause);
      await clock.sleep(pause, this.#signal);
    }
  }
}
