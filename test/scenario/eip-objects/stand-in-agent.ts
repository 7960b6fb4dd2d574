import { type EipReport, ElasticIpReconciler } from '../../../agent/elastic-ips/reconciler.ts';
import { podDialects } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import type { AddressApi } from '../../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../../lib/ec2/elastic-ip-api.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import { podConverter } from '../../../lib/kube/pods.ts';
import { createPodPublisher } from '../../../lib/kube/publish.ts';
import { createReflector } from '../../../lib/kube/reflector.ts';
import type { PendingAssociation } from '../../../lib/model/elastic-ips/pending-association.ts';
import type { Eni } from '../../../lib/model/eni.ts';
import { isAlive, type Pod, podKey } from '../../../lib/model/pod.ts';
import { changesTo, reportPod } from '../../../lib/plan/addresses/pod-report.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import { Journal } from '../../../lib/runtime/journal.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';

export interface StandInOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly ec2: { readonly elasticIps: ElasticIpApi; readonly addresses: AddressApi };
  readonly nodeName: string;
  readonly instanceId: string;
}

/** The part of a node's agent that binds Elastic IPs: the real engine, pod watch and pod report, without the node's own addresses. */
export async function runStandInAgent(options: StandInOptions, signal: AbortSignal): Promise<void> {
  const { kube, clock, ec2, nodeName, instanceId } = options;
  const random = Math.random;
  let enis: readonly Eni[] = [];
  let describedAt: number | undefined;
  let engine: ElasticIpReconciler | undefined;
  const wake = () => engine?.wake();
  const describe = async () => {
    const at = clock.now();
    enis = await ec2.addresses.describeEnis(instanceId, { signal });
    describedAt = at;
    wake();
  };
  const pods = createReflector<Pod>({
    client: kube,
    clock,
    random,
    path: '/api/v1/pods',
    query: { fieldSelector: `spec.nodeName=${nodeName}` },
    convert: podConverter(),
    onChange: wake,
    onState: wake,
  });
  const publisher = createPodPublisher({ client: kube, clock, random, signal });
  engine = new ElasticIpReconciler(
    {
      clock,
      random,
      ec2: ec2.elasticIps,
      rateLimit: new RateLimit({ clock, random }),
      log: silentLogger,
      context: { clusterName: 'test', nodeName },
      interfaces: { describe: () => Promise.resolve([]) },
      dialects: podDialects,
      requestsOf,
      takings: new Journal<PendingAssociation>({
        path: '',
        access: 'memory',
        revive: () => undefined,
        onProblem: () => undefined,
      }),
      releaseDelayMs: 30_000,
      serves: () => true,
      observe: () => ({
        pods: [...pods.items()],
        podsKnown: pods.synced,
        enis,
        describedAt,
        addresses: [],
        addressesComplete: true,
        leaving: new Set(),
      }),
      report: (report) => tell(report),
      happened: () => undefined,
      doubtEnis: () => void describe().catch(() => undefined),
      callSignal: signal,
      dryRun: false,
    },
    signal,
  );
  const sent = new Map<string, string>();
  function tell({ statuses }: EipReport): void {
    for (const pod of Array.from(pods.items()).filter(isAlive)) {
      const eips = statuses.filter(({ claim }) => claim.owner.uid === pod.uid);
      const change = changesTo(pod, reportPod(pod, { statuses: [], eips, faults: [], marks: [] }));
      const text = JSON.stringify(change);
      if (change === undefined || sent.get(podKey(pod)) === text) continue;
      sent.set(podKey(pod), text);
      const { condition, ...rest } = change;
      void publisher.patchPod(pod, { ...rest, ...(condition && { conditions: [condition] }) }).catch(() => undefined);
    }
  }
  await describe();
  await pods.run(signal);
}
