import type { Cancel, Clock } from '../../../lib/runtime/clock.ts';

/**
 * One process on a shared virtual clock that can die at any instant. After `kill` no timer of it fires, no sleep of it ends and
 * nothing that it waits for is answered, so none of its code runs any more: what SIGKILL does.
 */
export class VirtualProcess implements Clock {
  readonly name: string;
  readonly #clock: Clock;
  #dead = false;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  get dead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
  }

  now(): number {
    return this.#clock.now();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.whileAlive(this.#clock.sleep(ms, signal));
  }

  after(ms: number, callback: () => void): Cancel {
    return this.#clock.after(ms, () => {
      if (!this.#dead) callback();
    });
  }

  /** The same outcome while the process lives; none ever once it is dead. */
  whileAlive<T>(answer: Promise<T>): Promise<T> {
    return answer.then(
      (value) => (this.#dead ? never<T>() : value),
      (error: unknown) => (this.#dead ? never<T>() : Promise.reject(error as Error)),
    );
  }
}

/** What a dead process, or a call that hangs, gets. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
