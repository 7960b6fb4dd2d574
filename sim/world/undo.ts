/** What must be taken away again, last first. One step that fails does not keep the others from running. */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];
  #running: Promise<void> | undefined;

  defer(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Remembers to close it, and hands it on. */
  use<T extends { close(): Promise<unknown> }>(resource: T): T {
    this.defer(() => resource.close());
    return resource;
  }

  /** Runs the steps once, however often it is called. @throws {AggregateError} of what failed, after the last step. */
  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.toReversed()) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0)
      throw new AggregateError(failures, `cleaning up failed: ${failures.map(String).join('; ')}`);
  }
}
