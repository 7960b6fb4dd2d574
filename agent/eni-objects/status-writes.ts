import type { EniObjectWriter } from '../../lib/kube/eni-objects.ts';
import { type EniObject, type EniObjectStatus, eniKey } from '../../lib/model/eni-objects/eni-object.ts';
import { sameStatus } from '../../lib/plan/eni-objects/status.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

interface Write {
  readonly status: EniObjectStatus;
  /** The object's version that the write was based on: until a newer one is seen, what was written counts as its status. */
  readonly version: string;
  readonly done: Promise<void>;
}

/** Writes statuses that differ from what the objects say or are about to say. */
export class StatusWrites {
  readonly #writer: EniObjectWriter;
  readonly #log: Logger;
  readonly #writes = new Map<string, Write>();

  constructor(writer: EniObjectWriter, log: Logger) {
    this.#writer = writer;
    this.#log = log;
  }

  /** True when something is written. */
  write(object: EniObject, status: EniObjectStatus): boolean {
    const { uid, resourceVersion: version } = object;
    const earlier = this.#writes.get(uid);
    const known = earlier?.version === version ? earlier.status : object.status;
    if (sameStatus(known, status)) return false;
    const done = this.#writer.writeStatus(object, status).then(
      () => undefined,
      (error: unknown) => {
        this.#log.warn('cannot write the status of an ENI object', { eniObject: eniKey(object), error });
        this.#writes.delete(uid);
      },
    );
    this.#writes.set(uid, { status, version, done });
    return true;
  }

  forget(uids: ReadonlySet<string>): void {
    for (const uid of this.#writes.keys()) if (!uids.has(uid)) this.#writes.delete(uid);
  }

  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#writes.values(), ({ done }) => done));
  }
}
