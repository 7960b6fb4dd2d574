import { builtIn } from '../kube/kubelet.ts';
import type { KubeApi } from '../kube/server.ts';

const NAMESPACE = 'eni-agent-system';

export interface AgentState {
  readonly isReady: boolean;
  readonly port: number;
  readonly logFile: string;
}

/**
 * The pods that a DaemonSet would have made for agents that run as processes, so that whoever looks at the cluster finds them. They
 * are on the loopback address, where the agents listen.
 */
export class AgentPods {
  readonly #api: KubeApi['api'];
  readonly #logs: Map<string, string>;
  readonly #known = new Set<string>();

  constructor({ api, podLogs }: Pick<KubeApi, 'api' | 'podLogs'>) {
    this.#api = api;
    this.#logs = podLogs;
  }

  /** Makes the agent's pod when it is ready for the first time, and keeps its condition. */
  tell(node: string, { isReady, port, logFile }: AgentState): void {
    this.#logs.set(`${NAMESPACE}/${nameOf(node)}`, logFile);
    if (!this.#known.has(node) && isReady) this.#create(node, port);
    if (!this.#known.has(node)) return;
    const status = {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    };
    const patch = { format: 'strategic' as const, patch: { status } };
    this.#api.patch(builtIn('pods'), 'status', NAMESPACE, nameOf(node), patch);
  }

  #create(node: string, port: number): void {
    if (this.#known.size === 0) this.#api.create(builtIn('namespaces'), undefined, { metadata: { name: NAMESPACE } });
    this.#known.add(node);
    const ports = [{ name: 'metrics', containerPort: port }];
    this.#api.create(builtIn('pods'), NAMESPACE, {
      metadata: { name: nameOf(node), labels: { 'app.kubernetes.io/name': 'eni-agent' } },
      spec: {
        nodeName: node,
        hostNetwork: true,
        containers: [{ name: 'eni-agent', image: 'eni-agent:simulated', args: ['node'], ports }],
      },
    });
  }
}

function nameOf(node: string): string {
  return `eni-agent-${node}`;
}
