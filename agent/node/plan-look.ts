import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { openOwnInstance } from '../aws/own-instance.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';
import { lookAtAddresses } from './plan-addresses.ts';
import { PlanAnswers } from './plan-answers.ts';
import { LOOK_MS, type LookOptions, type PlanContext } from './plan-context.ts';
import { lookAtElasticIps } from './plan-elastic-ips.ts';
import { missingAnswers } from './plan-questions.ts';
import { lookAtRoutes, type RouteReport } from './plan-routes.ts';
import { openPlanSources } from './plan-sources.ts';

export interface Look {
  readonly identity: InstanceIdentity | undefined;
  /** Undefined when not everything answered in time. */
  readonly addresses: NodeReport | undefined;
  readonly elasticIps: EipReport | undefined;
  readonly routes: RouteReport | undefined;
  readonly describedAt: number | undefined;
  /** What has not answered, each a sentence. */
  readonly missing: readonly string[];
}

const NOTHING_SEEN: Omit<Look, 'missing'> = {
  identity: undefined,
  addresses: undefined,
  elasticIps: undefined,
  routes: undefined,
  describedAt: undefined,
};

/** How often whoever waits is shown for what, ms. */
const REMIND_MS = 3_000;

/** Looks once at everything that `node` looks at, with the same loops as there, in a dry run. Changes nothing. */
export async function lookOnce(look: LookOptions, stop: AbortSignal): Promise<Look> {
  const { options, parts, kube, onWaiting } = look;
  const done = new AbortController();
  const signal = AbortSignal.any([stop, done.signal, AbortSignal.timeout(LOOK_MS)]);
  const answers = new PlanAnswers();
  const sources = await openPlanSources(look, answers, signal);
  const missing = () => missingAnswers({ ...sources, answers, clusterName: options.clusterName });
  const reminder = setInterval(() => onWaiting(missing()), REMIND_MS);
  try {
    const instance = await openOwnInstance({ process: parts, node: { kube, nodeName: options.nodeName } }, signal);
    answers.identity.publish(instance.identity);
    const rateLimit = new RateLimit({ clock: parts.clock, random: parts.random });
    const loops = openLoops({ options, process: parts, sources, answers, instance, rateLimit, signal });
    const running = loops.addresses.run();
    await loops.answered;
    const unanswered = missing();
    done.abort();
    await Promise.all([running, loops.elasticIps.idle(), loops.routes.idle(), ...sources.tasks]);
    return {
      identity: instance.identity,
      addresses: answers.addresses.value,
      elasticIps: answers.elasticIps.value,
      routes: answers.routes.value,
      describedAt: loops.addresses.describedAt,
      missing: unanswered,
    };
  } catch (error) {
    // Only our own time-out ends the wait for the instance; anything else is a fault.
    if (!signal.aborted || stop.aborted) throw error;
    return { ...NOTHING_SEEN, missing: missing() };
  } finally {
    clearInterval(reminder);
    done.abort();
    await Promise.all(sources.tasks);
  }
}

/** The loops of a node's agent. A loop reads only of those that were made before it; the rest reaches it by the answers. */
function openLoops(context: PlanContext) {
  const { answers, signal } = context;
  const addresses = lookAtAddresses(context);
  const elasticIps = lookAtElasticIps(context, addresses);
  const routes = lookAtRoutes(context, addresses);
  answers.enis.publish(addresses);
  answers.changed.subscribe(() => {
    for (const loop of [addresses, elasticIps]) loop.trigger();
  });
  answers.addressDraft.subscribe(() => elasticIps.trigger());
  answers.addresses.subscribe(() => routes.trigger());
  return { addresses, elasticIps, routes, answered: answers.complete(signal) };
}
