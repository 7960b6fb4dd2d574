import { podDialects } from '../../lib/dialect/index.ts';
import { requestsOf } from '../../lib/dialect/requests.ts';
import type { PendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { grantedRequests } from '../../lib/plan/tenants.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { ElasticIpReconciler } from '../elastic-ips/reconciler.ts';
import { type NodeContext, serves } from './context.ts';
import type { NodeReports } from './reporting.ts';
import type { NodeSurroundings } from './surroundings.ts';

interface ElasticIpParts {
  readonly pendingAssociations: Journal<PendingAssociation>;
  readonly servedPods: () => readonly Pod[];
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'leaving' | 'invalidate'>;
  readonly reports: Pick<NodeReports, 'recordEipEvent'>;
}

/** The Elastic IPs of a node's pods, on the addresses that the loops for private addresses report. */
export function openNodeElasticIps(
  context: NodeContext,
  { cluster, aws }: NodeSurroundings,
  { pendingAssociations, servedPods, addresses, reports }: ElasticIpParts,
): ElasticIpReconciler {
  const { options, process, ages, bus, stop, calls } = context;
  return new ElasticIpReconciler(
    {
      process: { ...process, clock: ages, callSignal: calls, dryRun: options.dryRun },
      ec2: { ...aws.ec2, rateLimit: aws.rateLimit, invalidateEnis: (cause) => addresses.invalidate(cause) },
      requests: {
        context: { clusterName: options.clusterName, nodeName: options.nodeName },
        dialects: podDialects,
        requestsOf: (pod, about) => grantedRequests(requestsOf(pod, about), cluster.tenants()),
        serves: (namespace) => serves(context, namespace),
      },
      pendingAssociations,
      releaseDelayMs: options.releaseDelayMs,
      observe: () => ({
        pods: servedPods(),
        podsKnown: cluster.pods.synced,
        enis: addresses.enis,
        describedAt: addresses.describedAt,
        addresses: bus.statuses,
        addressesComplete: bus.addresses.value?.complete ?? false,
        leaving: addresses.leaving,
      }),
      reports: { report: (report) => bus.elasticIps.publish(report), recordEvent: reports.recordEipEvent },
    },
    stop,
  );
}
