/**
 * Level-based work: however often it is asked for, one run is in flight and at most one more is queued, which starts after the last
 * request and so sees everything that led to it.
 */
export class SingleFlight {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #again = false;

  /** `task` must not reject: it reports its failures itself. */
  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Resolves when a run that started after this request has ended. */
  request(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#loop();
    return this.#running;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  async #loop(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#task();
      }
    } finally {
      this.#running = undefined;
    }
  }
}
