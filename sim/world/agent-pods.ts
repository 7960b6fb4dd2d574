import { builtIn } from '../kube/kubelet.ts';
import type { KubeApi } from '../kube/server.ts';

const NAMESPACE = 'eni-agent-system';

/** A process of ours by what it runs as, and the node that its pod is on. */
export interface AgentPlace {
  readonly app: 'eni-agent' | 'eni-agent-controller';
  readonly node: string;
}

export interface AgentState {
  readonly isReady: boolean;
  readonly port: number;
  readonly logFile: string;
}

/**
 * The pods that a DaemonSet and a Deployment would have made for agents and a controller that run as processes, so that whoever looks at
 * the cluster finds them. They are on the loopback address, where these listen.
 */
export class AgentPods {
  readonly #api: KubeApi['api'];
  readonly #logs: Map<string, string>;
  readonly #known = new Set<string>();
  #hasNamespace = false;

  constructor({ api, podLogs }: Pick<KubeApi, 'api' | 'podLogs'>) {
    this.#api = api;
    this.#logs = podLogs;
  }

  /** Makes the agent's pod when it is ready for the first time, and keeps its condition. */
  tell(place: AgentPlace, { isReady, port, logFile }: AgentState): void {
    const name = nameOf(place);
    this.#logs.set(`${NAMESPACE}/${name}`, logFile);
    if (!this.#known.has(name) && isReady) this.#create(place, port);
    if (!this.#known.has(name)) return;
    const status = {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    };
    const patch = { format: 'strategic' as const, patch: { status } };
    this.#api.patch(builtIn('pods'), 'status', NAMESPACE, name, patch);
  }

  /** The node has gone, and its pods with it. */
  forget(place: AgentPlace): void {
    const name = nameOf(place);
    if (!this.#known.delete(name)) return;
    this.#logs.delete(`${NAMESPACE}/${name}`);
    this.#api.delete(builtIn('pods'), NAMESPACE, name, { gracePeriodSeconds: 0 });
  }

  #create(place: AgentPlace, port: number): void {
    const { app, node } = place;
    if (!this.#hasNamespace) this.#api.create(builtIn('namespaces'), undefined, { metadata: { name: NAMESPACE } });
    this.#hasNamespace = true;
    this.#known.add(nameOf(place));
    const ports = [{ name: 'metrics', containerPort: port }];
    this.#api.create(builtIn('pods'), NAMESPACE, {
      metadata: { name: nameOf(place), labels: { 'app.kubernetes.io/name': app } },
      spec: {
        nodeName: node,
        hostNetwork: app === 'eni-agent',
        containers: [
          {
            name: 'eni-agent',
            image: 'eni-agent:simulated',
            args: [app === 'eni-agent' ? 'node' : 'controller'],
            ports,
          },
        ],
      },
    });
  }
}

function nameOf({ app, node }: AgentPlace): string {
  return app === 'eni-agent' ? `${app}-${node}` : app;
}
