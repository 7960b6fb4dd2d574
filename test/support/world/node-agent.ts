import type { NodeReport } from '../../../agent/addresses/reconciler-options.ts';
import type { HostKernel } from '../../../agent/floating-ips/host-kernel.ts';
import { EventBus } from '../../../agent/node/event-bus.ts';
import { openNodeLoops } from '../../../agent/node/loops.ts';
import { OwnNodeWatch } from '../../../agent/node/own-node.ts';
import { podListener, watchPods } from '../../../agent/node/pod-watch.ts';
import type { NodeAws, NodeHost } from '../../../agent/node/surroundings.ts';
import type { LinkPort } from '../../../agent/node-links/node-links.ts';
import { keepNodeLinks } from '../../../agent/node-links/open.ts';
import type { ProcessParts } from '../../../agent/process.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import { createNadCache } from '../../../lib/kube/nads.ts';
import type { ClaimStatus } from '../../../lib/model/addresses/plan.ts';
import { OPEN_POLICY } from '../../../lib/model/tenant-policy.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { Supervisor } from '../../../lib/runtime/supervisor.ts';
import type { WorldHost } from './host.ts';
import { AGENT_NAMESPACE } from './surroundings.ts';

export interface WorldAgentOptions {
  readonly process: ProcessParts;
  readonly kube: KubeClient;
  readonly ec2: NodeAws['ec2'];
  readonly machine: WorldMachine;
  readonly nodeName: string;
  readonly instanceId: string;
  readonly takeover: 'declared' | 'any';
}

/** What the agent finds on the machine that it runs on. */
export interface WorldMachine {
  readonly host: WorldHost;
  readonly kernel: HostKernel;
  readonly stateDir: string;
  /** The host's links, where a NodeENI gives the node its interfaces. */
  readonly links?: LinkPort | undefined;
}

export interface WorldAgent {
  readonly report: () => NodeReport | undefined;
  readonly routes: () => readonly ClaimStatus[];
  /** SIGTERM; resolves when what was in flight has ended. */
  readonly stop: () => Promise<void>;
  /** Ends calls in flight, for a process that was killed: frees what the machine holds for it. */
  readonly abandon: () => void;
}

/** The node agent's loops on a simulated host: `runNode` without sockets, files of the kernel and metadata. */
export function startWorldAgent({ process, kube, ec2, machine, ...options }: WorldAgentOptions): WorldAgent {
  const { clock, random } = process;
  const { host, kernel, stateDir, links } = machine;
  const { nodeName, instanceId, takeover } = options;
  const [stop, calls] = [new AbortController(), new AbortController()];
  const bus = new EventBus();
  const changed = () => bus.changed.publish();
  host.onChange = () => void clock.after(2, changed);
  const definitions = createNadCache({ client: kube, clock, signal: stop.signal });
  const onChange = podListener(bus, definitions);
  const pods = watchPods({ process, client: kube, nodeName, onChange, onSynced: changed });
  void pods.run(stop.signal);
  const ownNode = new OwnNodeWatch({ ...process, kube, nodeName });
  const loops = openNodeLoops(
    {
      process,
      ages: clock,
      bus,
      stop: stop.signal,
      calls: calls.signal,
      options: { ...OPTIONS, nodeName, stateDir, takeover },
    },
    {
      cluster: {
        client: kube,
        pods,
        definitions,
        ownNode,
        leaseNamespace: AGENT_NAMESPACE,
        tenants: () => OPEN_POLICY,
      },
      host: { kernel, ...observed(host) },
      aws: { instanceId, imds: undefined, ec2, rateLimit: new RateLimit({ clock, random }) },
    },
  );
  if (links !== undefined) {
    const onFailure = (task: string, error: unknown) => process.log.error(task, { error });
    const supervisor = new Supervisor({ clock, random, onFailure }, stop.signal);
    const { addresses } = loops;
    keepNodeLinks({ process, supervisor, bus }, { client: kube, ownNode }, { addresses, nodeName, links });
  }
  const running = loops.run();
  return {
    report: () => bus.addresses.value,
    routes: () => bus.routes.value,
    async stop() {
      stop.abort(new Error('SIGTERM'));
      await running;
      await ownNode.close();
      calls.abort(new Error('SIGTERM'));
    },
    abandon() {
      calls.abort(new Error('SIGKILL'));
      stop.abort(new Error('SIGKILL'));
      // As the kernel closes the files of a dead process; what is on disk was copied before.
      loops.abandon();
    },
  };
}

const OPTIONS = {
  clusterName: 'test',
  namespaces: [],
  interfaceFilter: /^net\d/,
  allowPrimary: false,
  release: 'after-delay',
  releaseDelayMs: 30_000,
  routeTableTag: { key: 'eni-agent.io/routed-ips', value: undefined },
  floatingIpParkMs: 30_000,
  ec2ResyncMs: 600_000,
  dryRun: false,
} as const;

function observed(host: WorldHost): Pick<NodeHost, 'cache' | 'namespaces' | 'links'> {
  return {
    cache: { synced: true, attachments: () => host.attachments(), refusals: () => [] },
    namespaces: {
      synced: true,
      scanned: true,
      hiddenSince: undefined,
      unplaced: [],
      namespaces: () => host.namespaces(),
    },
    links: host.links,
  };
}
