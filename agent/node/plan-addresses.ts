import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { Observed } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import { LOOK_MS, type PlanContext, readJournal } from './plan-context.ts';
import { definitionsOf, observeNode } from './sources.ts';

/** The node's loop for private addresses in a dry run, with a silent reporter. Looks when it is run. */
export function lookAtAddresses(context: PlanContext): AddressReconciler {
  const { options, process, answers, instance, rateLimit, signal } = context;
  const { clock, random, metrics } = process;
  const { clusterName, takeover, allowPrimary, release, releaseDelayMs } = options;
  printOnceDefined(context);
  return new AddressReconciler(
    {
      process: { clock, random, dryRun: true, callSignal: signal },
      ec2: { addresses: instance.ec2.addresses, rateLimit, resyncMs: LOOK_MS },
      instance: { instanceId: instance.identity.instanceId, clusterName },
      records: { ledger: readJournal(context, 'ledger.jsonl', (stored) => reviveLedgerEntry(stored, clock.now())) },
      policy: { takeover, allowPrimary, release, releaseDelayMs },
      observe: () => {
        const observed = observe(context);
        answers.observed.publish(observed);
        return observed;
      },
      reports: {
        report: (report) => {
          if (report.complete) answers.addressDraft.publish(report);
        },
        events: new AddressReporter({ clock, log: silentLogger, metrics, emit: () => undefined }),
      },
    },
    signal,
  );
}

function observe({ options, sources }: PlanContext): Observed {
  const { observers, tenants, nodeAddresses } = sources;
  return observeNode(
    { ...sources, ...observers },
    {
      interfaces: (name) => options.interfaceFilter.test(name),
      namespaces: options.namespaces,
      tenants: () => tenants.policy,
      nodeAddresses: () => nodeAddresses,
    },
  );
}

/** Definitions are read only once it is known which ones; the report after that is the one to print. */
function printOnceDefined({ sources: { pods, definitions }, answers }: PlanContext): void {
  const lookAgain = () => answers.changed.publish();
  let read: Promise<void> | undefined;
  answers.addressDraft.subscribe((report) => {
    if (read !== undefined) void read.then(() => answers.addresses.publish(report));
    else read = definitions.prefetch([...pods.items()].flatMap(definitionsOf)).then(lookAgain, lookAgain);
  });
}
