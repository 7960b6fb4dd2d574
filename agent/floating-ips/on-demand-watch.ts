/** Something that runs only while it is needed: a watch, a command, a poll. What it starts it also ends, and nothing floats. */
export class OnDemand {
  readonly #run: (signal: AbortSignal) => Promise<void>;
  readonly #runs = new Set<Promise<void>>();
  #stop: AbortController | undefined;

  /** @param run works until its signal aborts, and never rejects */
  constructor(run: (signal: AbortSignal) => Promise<void>) {
    this.#run = run;
  }

  get needed(): boolean {
    return this.#stop !== undefined;
  }

  set(needed: boolean): void {
    if (needed === this.needed) return;
    if (!needed) {
      this.#stop?.abort();
      this.#stop = undefined;
      return;
    }
    const stop = new AbortController();
    this.#stop = stop;
    const run = this.#run(stop.signal).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Ends it for good; resolves when it has ended. */
  async close(): Promise<void> {
    this.set(false);
    await Promise.all(this.#runs);
  }
}
