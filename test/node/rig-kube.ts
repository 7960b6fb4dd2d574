import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, type KubeClient, type Query } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { NodeScripts } from './rig-scripts.ts';

/** A Kubernetes object as far as the stories look at it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly image: string }[];
    readonly initContainers?: readonly { readonly image: string }[];
  };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly containerID?: string }[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface KubeEvent extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly namespace?: string };
}

/** What a user does with kubectl, and what a test wants to know afterwards. */
export class Cluster implements AsyncDisposable {
  readonly #scripts: NodeScripts;
  readonly #client: KubeClient;

  private constructor(scripts: NodeScripts, client: KubeClient) {
    this.#scripts = scripts;
    this.#client = client;
  }

  static async connect(scripts: NodeScripts, kubeconfig: string): Promise<Cluster> {
    const connection = await loadConnection({ kubeconfig, env: {} });
    return new Cluster(scripts, createKubeClient({ connection, clock: systemClock(), userAgent: 'real-node-suite' }));
  }

  /** `kubectl ARGS…`. @throws {Error} with what it printed when it fails. */
  kubectl(...args: readonly string[]): Promise<string> {
    return this.#scripts.kubectl(args);
  }

  /** `kubectl apply -f -` of objects as plain values. */
  apply(objects: readonly object[]): Promise<string> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return this.#scripts.kubectl(['apply', '-f', '-'], { input });
  }

  /** `kubectl delete -f -`; waits until the objects are gone. */
  delete(objects: readonly object[]): Promise<string> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return this.#scripts.kubectl(['delete', '--ignore-not-found', '-f', '-'], { input });
  }

  get<T extends KubeObject = KubeObject>(path: string): Promise<T> {
    return this.#client.request<T>({ method: 'GET', path });
  }

  async list<T extends KubeObject = KubeObject>(path: string, query: Query = {}): Promise<readonly T[]> {
    return (await this.#client.request<{ items: readonly T[] }>({ method: 'GET', path, query })).items;
  }

  pods(namespace: string, labelSelector?: string): Promise<readonly Pod[]> {
    return this.list<Pod>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector });
  }

  pod(namespace: string, name: string): Promise<Pod> {
    return this.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
  }

  /** Warning Events that our programs wrote since the mark (epoch ms), as `REASON kind/namespace/name: message`. */
  async warnings(since: number): Promise<readonly string[]> {
    const events = await this.list<KubeEvent>('/api/v1/events', { fieldSelector: 'type=Warning' });
    return events
      .filter(({ source, reportingComponent }) => /eni-agent/.test(`${source?.component} ${reportingComponent}`))
      .filter((event) => Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp) + 1_000 > since)
      .map(({ reason, message, involvedObject: { kind, namespace, name } }) => {
        return `${reason} ${kind}/${namespace ?? ''}/${name}: ${message}`;
      });
  }

  /** A command in a container of a pod; its output. */
  exec(namespace: string, pod: string, ...command: readonly string[]): Promise<string> {
    return this.kubectl('-n', namespace, 'exec', pod, '--', ...command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** Whether the pod counts as ready, by kubelet's condition. */
export function isReady(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && conditionOf(pod, 'Ready')?.status === 'True';
}

export function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status.conditions?.find((condition) => condition.type === type);
}

/**
 * Asks until the question has an answer, four times a second.
 * @throws {Error} naming `what`, and the last failure if there was one, when there is none within `seconds`
 */
export async function eventually<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  let failure = '';
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      failure = `; last: ${error instanceof Error ? error.message : String(error)}`;
    }
    await sleep(250);
  }
  throw new Error(`not within ${seconds} s: ${what}${failure}`);
}
