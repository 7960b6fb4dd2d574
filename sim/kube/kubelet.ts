import type { KubeObject, Manifest } from './object.ts';
import { builtInResources, type Resource } from './resource.ts';
import type { Served } from './routes.ts';

/** One entry of the `network-status` annotation that Multus writes; facts §4.2. */
export interface NetworkStatus {
  name: string;
  interface?: string;
  ips?: string[];
  mac?: string;
  mtu?: number;
  default?: boolean;
  dns?: Record<string, unknown>;
}

export interface NodeSpec {
  name: string;
  /** `aws:///<zone>/<instance-id>`; facts §7.5. */
  providerID?: string;
  internalIP?: string;
  labels?: Record<string, string>;
}

export interface PodSpec {
  name: string;
  namespace?: string;
  /** Left out, the pod waits for `bind`. */
  node?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Anything else for `spec`. */
  spec?: Record<string, unknown>;
}

export const networkStatusKey = 'k8s.v1.cni.cncf.io/network-status';

/**
 * Scheduler, kubelet and Multus as a test plays them, in process. Every step is one API write, so that watchers see
 * what they would see on a cluster. `namespace` defaults to `default` everywhere.
 */
export class FakeKubelet {
  readonly #kube: Pick<Served, 'api'>;

  constructor(kube: Pick<Served, 'api'>) {
    this.#kube = kube;
  }

  createNode({ name, providerID, internalIP, labels = {} }: NodeSpec): KubeObject {
    const addresses = internalIP === undefined ? [] : [{ type: 'InternalIP', address: internalIP }];
    const conditions = [{ type: 'Ready', status: 'True' }];
    return this.#kube.api.create(builtIn('nodes'), undefined, {
      metadata: { name, labels },
      spec: { ...(providerID !== undefined && { providerID }) },
      status: { addresses, conditions },
    });
  }

  createNamespace(name: string): KubeObject {
    return this.#kube.api.create(builtIn('namespaces'), undefined, { metadata: { name } });
  }

  /** `config` is the CNI configuration, stored as the JSON text that Multus expects. */
  createNetwork(name: string, config: Record<string, unknown>, annotations = {}, namespace = 'default'): KubeObject {
    return this.#kube.api.create(builtIn('network-attachment-definitions'), namespace, {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name, annotations },
      spec: { config: JSON.stringify(config) },
    });
  }

  createPod({ name, namespace = 'default', node, labels = {}, annotations = {}, spec = {} }: PodSpec): KubeObject {
    return this.#kube.api.create(builtIn('pods'), namespace, {
      metadata: { name, labels, annotations },
      spec: { containers: [{ name: 'main', image: 'pause' }], ...(node !== undefined && { nodeName: node }), ...spec },
    });
  }

  bind(name: string, node: string, namespace = 'default'): void {
    this.#kube.api.bind(builtIn('pods'), namespace, name, node);
  }

  /** The sandbox is up: pod IP, phase and the Ready condition in one status write, as a kubelet sends it. */
  run(name: string, podIP: string, namespace = 'default'): KubeObject {
    const conditions = [{ type: 'Ready', status: 'True' }];
    return this.#patchStatus(name, namespace, {
      status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions },
    });
  }

  /** What Multus does at the end of CNI ADD: the annotation, through pods/status. */
  setNetworkStatus(name: string, networks: readonly NetworkStatus[], namespace = 'default'): KubeObject {
    const text = JSON.stringify(
      networks.map((network) => ({ dns: {}, ...network })),
      null,
      4,
    );
    return this.#patchStatus(name, namespace, { metadata: { annotations: { [networkStatusKey]: text } } });
  }

  finish(name: string, phase: 'Succeeded' | 'Failed' = 'Succeeded', namespace = 'default'): KubeObject {
    return this.#patchStatus(name, namespace, { status: { phase } });
  }

  /** Asks for deletion; a bound pod stays until `confirmDeletion`. */
  delete(name: string, namespace = 'default'): void {
    this.#kube.api.delete(builtIn('pods'), namespace, name);
  }

  /** The containers have stopped: the kubelet's last word, or anybody's `kubectl delete --force`. */
  confirmDeletion(name: string, namespace = 'default'): void {
    this.#kube.api.delete(builtIn('pods'), namespace, name, { gracePeriodSeconds: 0 });
  }

  #patchStatus(name: string, namespace: string, patch: Manifest): KubeObject {
    return this.#kube.api.patch(builtIn('pods'), 'status', namespace, name, { format: 'strategic', patch });
  }
}

/** The built-in resource of this plural name. */
export function builtIn(plural: string): Resource {
  const resource = builtInResources.find((each) => each.plural === plural);
  if (!resource) throw new Error(`no built-in resource is called ${plural}`);
  return resource;
}
