import type { NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { TokenBucket } from '../../lib/runtime/token-bucket.ts';

/** Bursts and steady rates of ours, per EC2 action: about two thirds of what EC2 documents (FACTS §1.10), so that others find room. */
const PACES: Readonly<Record<string, readonly [capacity: number, perSecond: number]>> = {
  CreateNetworkInterface: [60, 3.5],
  AttachNetworkInterface: [30, 3.5],
  DetachNetworkInterface: [30, 3.5],
  DeleteNetworkInterface: [60, 3.5],
  ModifyNetworkInterfaceAttribute: [60, 3.5],
  CreateTags: [60, 7],
};

/** The EC2 action of a step; undefined for one that only writes to the API server. */
export function actionOf({ kind }: NodeEniStep): string | undefined {
  switch (kind) {
    case 'create':
      return 'CreateNetworkInterface';
    case 'attach':
      return 'AttachNetworkInterface';
    case 'detach':
      return 'DetachNetworkInterface';
    case 'delete':
      return 'DeleteNetworkInterface';
    case 'tag':
      return 'CreateTags';
    case 'add-finalizer':
    case 'remove-finalizer':
      return undefined;
    case 'keep-on-termination':
    case 'delete-on-termination':
    case 'set-groups':
    case 'set-description':
    case 'set-check':
      return 'ModifyNetworkInterfaceAttribute';
    default:
      return kind satisfies never;
  }
}

/** Lets as many steps through as EC2's request rates allow; the others wait for a later plan. */
export class Pace {
  readonly #buckets: ReadonlyMap<string, TokenBucket>;
  readonly #granted = new Set<string>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#buckets = new Map(
      Object.entries(PACES).map(([action, [capacity, refillPerSecond]]) => [
        action,
        new TokenBucket({ clock, capacity, refillPerSecond }),
      ]),
    );
  }

  /** Those that may go now, and when the next one may. A step that is under way, or was let through already, needs no further token. */
  admit(
    steps: readonly NodeEniStep[],
    isBusy: (key: string) => boolean,
  ): { readonly steps: readonly NodeEniStep[]; readonly nextAt: number | undefined } {
    const keys = new Set(steps.map(({ key }) => key));
    for (const key of this.#granted) if (!keys.has(key)) this.#granted.delete(key);
    let nextAt: number | undefined;
    const admitted = steps.filter((step) => {
      const bucket = this.#buckets.get(actionOf(step) ?? '');
      if (bucket === undefined || isBusy(step.key) || this.#granted.has(step.key)) return true;
      if (!bucket.take()) {
        nextAt = Math.min(nextAt ?? Infinity, bucket.nextAt);
        return false;
      }
      this.#granted.add(step.key);
      return true;
    });
    return { steps: admitted, nextAt };
  }

  ended(key: string): void {
    this.#granted.delete(key);
  }
}
