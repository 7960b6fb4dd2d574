import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Lets one in for each turn of the event loop, in order of arrival; whoever comes alone does not wait.
 *
 * Why: work that takes a millisecond of microtasks before anything leaves the process is interleaved when much of it begins in one
 * turn: then nothing leaves before all of it is ready.
 */
export class Turnstile {
  #last: Promise<void> | undefined;

  /** Resolves when it is the caller's turn. */
  pass(): Promise<void> {
    const mine = this.#last ?? Promise.resolve();
    const next = mine.then(() => nextTurn());
    this.#last = next;
    void next.then(() => {
      if (this.#last === next) this.#last = undefined;
    });
    return mine;
  }
}
