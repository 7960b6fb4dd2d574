import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { Latest, Topic } from '../../lib/runtime/topic.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport, Observed } from '../addresses/reconciler-options.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';
import type { RouteReport } from './plan-routes.ts';

/** What `plan` has found out so far. Whoever finds something publishes it here and need not know who listens. */
export class PlanAnswers {
  /** Something that is observed has changed: the loops look again. */
  readonly changed = new Topic();
  readonly identity = new Latest<InstanceIdentity | undefined>(undefined);
  /** Who reads the ENIs of this node, once the instance is known. */
  readonly enis = new Latest<Pick<AddressReconciler, 'describedAt' | 'lastError'> | undefined>(undefined);
  /** The latest look at all sources. */
  readonly observed = new Latest<Observed | undefined>(undefined);
  /** The latest complete report, perhaps from before the definitions of networks were read. */
  readonly addressDraft = new Latest<NodeReport | undefined>(undefined);
  /** The report to print. */
  readonly addresses = new Latest<NodeReport | undefined>(undefined);
  readonly elasticIps = new Latest<EipReport | undefined>(undefined);
  readonly routes = new Latest<RouteReport | undefined>(undefined);

  /** Resolves when there is something to print of every loop, or when the signal aborts. */
  complete(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const toPrint = [this.addresses, this.elasticIps, this.routes];
    for (const answer of toPrint)
      answer.subscribe(() => {
        if (toPrint.every(({ value }) => value !== undefined)) resolve();
      });
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    return promise;
  }
}
