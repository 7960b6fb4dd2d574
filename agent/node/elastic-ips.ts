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
  readonly takings: Journal<PendingAssociation>;
  readonly servedPods: () => readonly Pod[];
  readonly addresses: Pick<AddressReconciler, 'enis' | 'describedAt' | 'leaving' | 'doubt'>;
  readonly reports: Pick<NodeReports, 'recordEipEvent'>;
}

/** The Elastic IPs of a node's pods, on the addresses that the loops for private addresses report. */
export function openNodeElasticIps(
  context: NodeContext,
  { cluster, aws }: NodeSurroundings,
  { takings, servedPods, addresses, reports }: ElasticIpParts,
): ElasticIpReconciler {
  const { options, process, ages, exchange, stop, calls } = context;
  return new ElasticIpReconciler(
    {
      clock: ages,
      random: process.random,
      log: process.log,
      health: process.health,
      rateLimit: aws.rateLimit,
      ec2: aws.ec2.elasticIps,
      interfaces: aws.ec2.interfaces,
      dialects: podDialects,
      requestsOf: (pod, about) => grantedRequests(requestsOf(pod, about), cluster.tenants()),
      context: { clusterName: options.clusterName, nodeName: options.nodeName },
      releaseDelayMs: options.releaseDelayMs,
      dryRun: options.dryRun,
      callSignal: calls,
      takings,
      serves: (namespace) => serves(context, namespace),
      observe: () => ({
        pods: servedPods(),
        podsKnown: cluster.pods.synced,
        enis: addresses.enis,
        describedAt: addresses.describedAt,
        addresses: exchange.statuses,
        addressesComplete: exchange.addresses.value?.complete ?? false,
        leaving: addresses.leaving,
      }),
      report: (report) => exchange.elasticIps.publish(report),
      happened: reports.recordEipEvent,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop,
  );
}
