import { podDialects } from '../../lib/dialect/index.ts';
import { requestsOf } from '../../lib/dialect/requests.ts';
import { revivePendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import { grantedRequests } from '../../lib/plan/tenants.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { ElasticIpReconciler } from '../elastic-ips/reconciler.ts';
import type { EipSurroundingsNow } from '../elastic-ips/reconciler-options.ts';
import { serves } from './context.ts';
import { type PlanContext, readJournal } from './plan-context.ts';

type AddressFacts = Pick<AddressReconciler, 'enis' | 'describedAt' | 'leaving'>;

/** The node's loop for Elastic IPs in a dry run, on the addresses that the loop for those reports. Looks when it is triggered. */
export function lookAtElasticIps(context: PlanContext, addresses: AddressFacts): ElasticIpReconciler {
  const { options, process, sources, answers, instance, rateLimit, signal } = context;
  const { clusterName, nodeName, releaseDelayMs } = options;
  return new ElasticIpReconciler(
    {
      process: { clock: process.clock, random: process.random, log: silentLogger, callSignal: signal, dryRun: true },
      ec2: { ...instance.ec2, rateLimit, invalidateEnis: () => undefined },
      requests: {
        context: { clusterName, nodeName },
        dialects: podDialects,
        requestsOf: (pod, about) => grantedRequests(requestsOf(pod, about), sources.tenants.policy),
        serves: (namespace) => serves(context, namespace),
      },
      pendingAssociations: readJournal(context, 'elastic-ips.jsonl', revivePendingAssociation),
      releaseDelayMs,
      observe: () => surroundings(context, addresses),
      reports: {
        report: (report) => {
          if (report.complete) answers.elasticIps.publish(report);
        },
        recordEvent: () => undefined,
      },
    },
    signal,
  );
}

function surroundings(context: PlanContext, { enis, describedAt, leaving }: AddressFacts): EipSurroundingsNow {
  const { pods } = context.sources;
  const addresses = context.answers.addressDraft.value;
  return {
    pods: Array.from(pods.items()).filter(({ namespace }) => serves(context, namespace)),
    podsKnown: pods.synced,
    enis,
    describedAt,
    addresses: addresses?.statuses ?? [],
    addressesComplete: addresses !== undefined,
    leaving,
  };
}
