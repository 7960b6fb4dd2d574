import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCustomResources } from './custom-resources.ts';
import { finishContainers } from './emptying.ts';
import { KubeFaults } from './faults.ts';
import { collectGarbage } from './garbage-collection.ts';
import { type HttpSide, handle } from './http-handler.ts';
import { ObjectApi } from './object-api.ts';
import type { RequestRecord } from './request.ts';
import { builtInResources, resourceOf } from './resource.ts';
import { ResourceRegistry } from './resource-registry.ts';
import type { Served } from './routes.ts';
import { ObjectStore } from './store.ts';

export interface KubeApiOptions {
  /** @default a free one */
  port?: number;
  /** Deletes dependents of a deleted owner. @default false */
  garbageCollection?: boolean;
  /** Changes kept for watches that resume. @default 10000 */
  historyCapacity?: number;
  /** Wall clock, ms. @default the machine's */
  now?: () => number;
  newUid?: () => string;
  random?: () => number;
}

export interface KubeApi extends AsyncDisposable {
  readonly url: string;
  readonly store: ObjectStore;
  readonly registry: ResourceRegistry;
  /** The verbs without HTTP, for tests that play scheduler or kubelet. */
  readonly api: ObjectApi;
  readonly requests: RequestRecord[];
  readonly faults: KubeFaults;
  /** Files with the logs of pods, by `namespace/name`. */
  readonly podLogs: Map<string, string>;
  /** YAML for kubectl and @kubernetes/client-node, which both want TLS skipped explicitly for http (facts §7.1). */
  readonly kubeconfig: () => string;
  readonly close: () => Promise<void>;
}

/**
 * A simulated kube-apiserver over plain HTTP on loopback: no authentication, no admission, no schemas, everything
 * else as the contract tests in `test/contract` pin it against the real one. Nodes, pods and the namespaces
 * `default`, `kube-system` and `kube-node-lease` work from the start.
 */
export async function startKubeApi(options: KubeApiOptions = {}): Promise<KubeApi> {
  const { port = 0, now = Date.now } = options;
  const { store, registry, api } = openKubeState(options);
  const faults = new KubeFaults(now);
  const requests: RequestRecord[] = [];
  const podLogs = new Map<string, string>();
  const server = serve({ store, registry, api, faults, requests, podLogs, now });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const kubeconfig = () => kubeconfigFor(url);
  return { url, store, registry, api, requests, faults, podLogs, kubeconfig, close, [Symbol.asyncDispose]: close };
}

/** The API server's state and verbs without HTTP, for simulations on a virtual clock. */
export function openKubeState(options: Omit<KubeApiOptions, 'port'> = {}): Served {
  const { now = Date.now, newUid = randomUUID, random = Math.random } = options;
  const store = new ObjectStore(options.historyCapacity);
  const registry = new ResourceRegistry(builtInResources);
  const api = new ObjectApi(store, { now, newUid, random });
  serveCustomResources(store, registry, now);
  finishContainers(store, registry, api);
  if (options.garbageCollection) collectGarbage(store, registry, api);
  for (const name of ['default', 'kube-system', 'kube-node-lease']) {
    api.create(namespaces, undefined, { metadata: { name } });
  }
  return { store, registry, api };
}

function serve(side: HttpSide) {
  const server = createServer((message, response) => {
    if (side.faults.refuses(message.socket)) return;
    void handle(side, message, response);
  });
  server.on('connection', (socket) => void side.faults.refuses(socket));
  // A watch that is quiet for an hour is not an error.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  return server;
}

function kubeconfigFor(url: string): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: simulated, cluster: {server: "${url}", insecure-skip-tls-verify: true}}]
users: [{name: anyone, user: {token: simulated}}]
contexts: [{name: simulated, context: {cluster: simulated, user: anyone}}]
current-context: simulated
`;
}

const namespaces = resourceOf({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false });
