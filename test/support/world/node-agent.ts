import { join } from 'node:path';
import { AddressReconciler } from '../../../agent/addresses/reconciler.ts';
import type { NodeReport, Observed } from '../../../agent/addresses/reconciler-options.ts';
import { ElasticIpReconciler } from '../../../agent/elastic-ips/reconciler.ts';
import type { HostKernel } from '../../../agent/floating-ips/host-kernel.ts';
import { type FloatingIps, openFloatingIps } from '../../../agent/floating-ips/open.ts';
import { OwnNodeWatch } from '../../../agent/node/own-node.ts';
import { watchPods } from '../../../agent/node/pod-watch.ts';
import { openTelling } from '../../../agent/node/reporting.ts';
import { definitionsOf, observeNode } from '../../../agent/node/sources.ts';
import type { ProcessParts } from '../../../agent/process.ts';
import { openRoutedIps } from '../../../agent/routed-ips/open.ts';
import { routedSurroundings } from '../../../agent/routed-ips/surroundings.ts';
import { podDialects } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import type { AddressApi } from '../../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../../lib/ec2/elastic-ip-api.ts';
import type { InterfaceApi } from '../../../lib/ec2/interface-api.ts';
import type { RouteApi } from '../../../lib/ec2/route-api.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import { createNadCache } from '../../../lib/kube/nads.ts';
import { reviveLedgerEntry } from '../../../lib/model/addresses/ledger.ts';
import { revivePendingAssociation } from '../../../lib/model/elastic-ips/pending-association.ts';
import { type Pod, podKey } from '../../../lib/model/pod.ts';
import type { RoutedStatus } from '../../../lib/model/routed-ips/route-plan.ts';
import { Journal } from '../../../lib/runtime/journal.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import type { WorldHost } from './host.ts';
import { AGENT_NAMESPACE } from './surroundings.ts';

export interface WorldAgentOptions {
  readonly parts: ProcessParts;
  readonly kube: KubeClient;
  readonly ec2: {
    readonly addresses: AddressApi;
    readonly elasticIps: ElasticIpApi;
    readonly interfaces: InterfaceApi;
    readonly routes: RouteApi;
  };
  readonly host: WorldHost;
  readonly kernel: HostKernel;
  readonly nodeName: string;
  readonly instanceId: string;
  readonly stateDir: string;
  readonly takeover: 'declared' | 'any';
}

export interface WorldAgent {
  readonly report: () => NodeReport | undefined;
  readonly routes: () => readonly RoutedStatus[];
  /** SIGTERM; resolves when what was in flight has ended. */
  readonly stop: () => Promise<void>;
  /** Ends calls in flight, for a process that was killed: frees what the machine holds for it. */
  readonly abandon: () => void;
}

/** The node agent's loops on a simulated host: what `runNode` composes, without sockets, files of the kernel and metadata. */
export function startWorldAgent(options: WorldAgentOptions): WorldAgent {
  const { parts, kube, ec2, host, kernel, nodeName, instanceId, stateDir, takeover } = options;
  const { clock, random, log, metrics } = parts;
  const [stop, calls] = [new AbortController(), new AbortController()];
  const loops: {
    addresses?: AddressReconciler;
    eips?: ElasticIpReconciler;
    floating?: FloatingIps;
    routed?: { wake(): void };
  } = {};
  let observed: Observed | undefined;
  let routes: readonly RoutedStatus[] = [];
  const wake = () => {
    loops.addresses?.wake();
    loops.eips?.wake();
    loops.floating?.wake();
  };
  host.onChange = () => void clock.after(2, wake);
  const definitions = createNadCache({ client: kube, clock, signal: stop.signal });
  const onChange = (pod: Pod) => {
    wake();
    const names = definitionsOf(pod);
    if (names.length > 0) void definitions.prefetch(names).then(wake);
  };
  const pods = watchPods({ client: kube, nodeName, clock, random, log, metrics, onChange, onSynced: wake });
  void pods.run(stop.signal);
  const telling = openTelling({
    ...parts,
    ages: clock,
    kube,
    nodeName,
    dryRun: false,
    pods: () => pods.items(),
    signal: calls.signal,
  });
  const onProblem = (message: string, error?: unknown) => log.error(message, { error });
  const ledger = new Journal({
    path: join(stateDir, 'ledger.jsonl'),
    revive: (stored) => reviveLedgerEntry(stored, clock.now()),
    onProblem,
  });
  const takings = new Journal({
    path: join(stateDir, 'elastic-ips.jsonl'),
    revive: revivePendingAssociation,
    onProblem,
  });
  const rateLimit = new RateLimit({ clock, random });
  let latest: NodeReport | undefined;
  const shared = { clock, random, rateLimit, dryRun: false, callSignal: calls.signal };
  const releaseDelayMs = 30_000;
  const addresses = new AddressReconciler(
    {
      ...shared,
      ledger,
      ec2: ec2.addresses,
      instanceId,
      policy: { takeover, allowPrimary: false, release: 'after-delay', releaseDelayMs },
      observe: () =>
        (observed = observeNode(
          {
            pods,
            definitions,
            cache: { synced: true, attachments: () => host.attachments(), refusals: () => [] },
            namespaces: {
              synced: true,
              scanned: true,
              hiddenSince: undefined,
              unplaced: [],
              namespaces: () => host.namespaces(),
            },
            links: host.links,
          },
          {
            interfaces: (name) => /^net\d/.test(name),
            namespaces: [],
            nodeAddresses: () => loops.floating?.addresses() ?? new Set<never>(),
          },
        )),
      report: (report) => {
        latest = report;
        telling.story.statuses(report.statuses);
        telling.publisher.addresses(report);
        loops.routed?.wake();
        loops.eips?.wake();
        loops.floating?.wake();
      },
      events: telling.story,
      resyncMs: 600_000,
    },
    stop.signal,
  );
  const eips = new ElasticIpReconciler(
    {
      ...shared,
      log,
      requestsOf,
      takings,
      serves: () => true,
      releaseDelayMs,
      ec2: ec2.elasticIps,
      interfaces: ec2.interfaces,
      dialects: podDialects,
      context: { clusterName: 'test', nodeName },
      observe: () => ({
        pods: [...pods.items()],
        podsKnown: pods.synced,
        enis: addresses.enis,
        describedAt: addresses.describedAt,
        addresses: [...(latest?.statuses ?? []), ...routes],
        addressesComplete: latest?.complete ?? false,
        leaving: addresses.leaving,
      }),
      report: (report) => telling.publisher.elasticIps(report),
      happened: telling.eipHappened,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop.signal,
  );
  const routed = openRoutedIps(
    {
      ...shared,
      log,
      metrics,
      ec2: ec2.routes,
      policy: {
        allowPrimary: false,
        release: 'after-delay',
        releaseDelayMs,
        defaultTag: { key: 'eni-agent.io/routed-ips', value: undefined },
      },
      stateDir,
      resyncMs: 600_000,
      observe: () => routedSurroundings(observed, addresses),
      report: (statuses) => {
        routes = statuses;
        telling.publisher.routed(statuses);
      },
      emit: telling.routeHappened,
      story: telling.routeStory,
      doubtEnis: (cause) => addresses.doubt(cause),
    },
    stop.signal,
  );
  const ownNode = new OwnNodeWatch({ ...parts, kube, nodeName });
  const floating = openFloatingIps({
    ...parts,
    ages: clock,
    kube,
    nodeName,
    ownNode,
    instanceId,
    imds: undefined,
    kernel,
    ec2,
    rateLimit,
    dryRun: false,
    clusterName: 'test',
    stateDir,
    namespace: AGENT_NAMESPACE,
    parkMs: 30_000,
    enis: () => addresses.enis,
    describedAt: () => addresses.describedAt,
    podAddresses: () => new Map((latest?.statuses ?? []).map(({ claim }) => [claim.address, podKey(claim.holder)])),
    doubtEnis: (cause) => addresses.doubt(cause),
    calls: calls.signal,
  });
  Object.assign(loops, { addresses, eips, floating, routed });
  const floatingDone = floating.run(stop.signal);
  const running = addresses.run();
  return {
    report: () => latest,
    routes: () => routes,
    async stop() {
      stop.abort(new Error('SIGTERM'));
      await running;
      await eips.idle();
      await floatingDone;
      await ownNode.close();
      await routed.close();
      await telling.drained();
      calls.abort(new Error('SIGTERM'));
      ledger.close();
      takings.close();
    },
    abandon() {
      calls.abort(new Error('SIGKILL'));
      stop.abort(new Error('SIGKILL'));
      // As the kernel closes the files of a dead process; what is on disk was copied before.
      ledger.close();
      takings.close();
    },
  };
}
