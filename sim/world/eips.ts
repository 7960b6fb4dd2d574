import { builtIn } from '../kube/kubelet.ts';
import type { KubeApi } from '../kube/server.ts';

const API_VERSION = 'materialize.cloud/v2';

/** `daemonset/crds/eips.materialize.cloud.yaml` without schema, for the same reason as FloatingIP's definition. */
export const eipDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'eips.materialize.cloud' },
  spec: {
    group: 'materialize.cloud',
    scope: 'Namespaced',
    names: { kind: 'Eip', listKind: 'EipList', plural: 'eips', singular: 'eip' },
    versions: ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === 'v2',
      subresources: { status: {} },
      additionalPrinterColumns: [
        { name: 'AllocationID', type: 'string', jsonPath: '.status.allocationId' },
        { name: 'PublicIP', type: 'string', jsonPath: '.status.publicIpAddress' },
      ],
    })),
  },
};

/** Elastic IPs that are objects of the cluster, as people handle them with kubectl. */
export class Eips {
  readonly #kube: KubeApi;

  constructor(kube: KubeApi) {
    this.#kube = kube;
  }

  /** Lets the API server serve the resource. The controller looks for it when it begins to lead. */
  install(): void {
    this.#kube.api.create(builtIn('customresourcedefinitions'), undefined, eipDefinition);
  }

  /** An Elastic IP for the pod of this name, whichever node it is on. @throws before `install` */
  createForPod(name: string, podName: string): void {
    this.#kube.api.create(this.#resource(), 'default', {
      apiVersion: API_VERSION,
      kind: 'Eip',
      metadata: { name },
      spec: { selector: { pod: { podName } } },
    });
  }

  delete(name: string): void {
    this.#kube.api.delete(this.#resource(), 'default', name);
  }

  #resource() {
    const resource = this.#kube.registry.find(API_VERSION, 'eips');
    if (resource === undefined) throw new Error('the API server does not serve Eips yet');
    return resource;
  }
}
