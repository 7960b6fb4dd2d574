import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeContext } from './context.ts';
import type { NodeReports } from './reporting.ts';
import { observeNode } from './sources.ts';
import type { NodeSurroundings } from './surroundings.ts';

interface AddressParts {
  readonly ledger: Journal<LedgerEntry>;
  readonly reports: Pick<NodeReports, 'addressReporter'>;
}

/** The private addresses of a node's pods. */
export function openNodeAddresses(
  { options, process, ages, bus, stop, calls }: NodeContext,
  { cluster, host, aws }: NodeSurroundings,
  { ledger, reports }: AddressParts,
): AddressReconciler {
  const { takeover, allowPrimary, release, releaseDelayMs } = options;
  const filter = {
    interfaces: (name: string) => options.interfaceFilter.test(name),
    namespaces: options.namespaces,
    tenants: cluster.tenants,
    nodeAddresses: () => bus.nodeAddresses.value(),
  };
  return new AddressReconciler(
    {
      process: {
        clock: ages,
        random: process.random,
        health: process.health,
        dryRun: options.dryRun,
        callSignal: calls,
      },
      ec2: { addresses: aws.ec2.addresses, rateLimit: aws.rateLimit, resyncMs: options.ec2ResyncMs },
      instance: { instanceId: aws.instanceId, clusterName: options.clusterName },
      records: { ledger },
      policy: { takeover, allowPrimary, release, releaseDelayMs },
      observe: () => {
        const observed = observeNode({ ...cluster, ...host }, filter);
        bus.observed.publish(observed);
        return observed;
      },
      reports: { report: (report) => bus.addresses.publish(report), events: reports.addressReporter },
    },
    stop,
  );
}
