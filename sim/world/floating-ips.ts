import { builtIn } from '../kube/kubelet.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Resource } from '../kube/resource.ts';
import type { KubeApi } from '../kube/server.ts';

const API_VERSION = 'eni-agent.io/v1alpha1';
const PLURAL = 'floatingips';
const STORAGE = 'floatingips.eni-agent.io';

/** `daemonset/crds/floatingip.yaml` without schema, because a simulation shares values with the product and nothing else. */
export const floatingIpDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: STORAGE },
  spec: {
    group: 'eni-agent.io',
    scope: 'Cluster',
    names: {
      kind: 'FloatingIP',
      listKind: 'FloatingIPList',
      plural: PLURAL,
      singular: 'floatingip',
      shortNames: ['fip'],
    },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
          { name: 'Node', type: 'string', jsonPath: '.status.node' },
          { name: 'ENI', type: 'string', jsonPath: '.status.networkInterfaceID' },
          { name: 'Public IP', type: 'string', priority: 1, jsonPath: '.status.publicIP' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Reason', type: 'string', priority: 1, jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ],
  },
};

export interface FloatingIpPlan {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly preferredNodes?: readonly string[];
  readonly routeTables?: readonly string[];
}

/** A FloatingIP as `kubectl get` shows it: where its addresses are and whether they answer. Empty texts: nobody has it. */
export interface FloatingIpState {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly node: string;
  readonly networkInterfaceId: string;
  readonly ready: boolean;
  /** Route tables lead its addresses to the ENI, which does not have them itself. */
  readonly routed: boolean;
}

/** FloatingIPs as people handle them with kubectl. */
export class FloatingIps {
  readonly #kube: KubeApi;

  constructor(kube: KubeApi) {
    this.#kube = kube;
  }

  /** Lets the API server serve the resource. Agents look for it when they start. */
  install(): void {
    this.#kube.api.create(builtIn('customresourcedefinitions'), undefined, floatingIpDefinition);
  }

  /** @throws before `install` */
  create({ name, ...spec }: FloatingIpPlan): void {
    this.#kube.api.create(this.#resource(), undefined, {
      apiVersion: API_VERSION,
      kind: 'FloatingIP',
      metadata: { name },
      spec: { ...spec },
    });
  }

  delete(name: string): void {
    this.#kube.api.delete(this.#resource(), undefined, name);
  }

  list(): FloatingIpState[] {
    return this.#kube.store.list(STORAGE).map(stateOf);
  }

  #resource(): Resource {
    const resource = this.#kube.registry.find(API_VERSION, PLURAL);
    if (resource === undefined) throw new Error('the API server does not serve FloatingIPs yet');
    return resource;
  }
}

interface Status {
  readonly node?: string;
  readonly networkInterfaceID?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

function stateOf({ metadata, spec, status }: KubeObject): FloatingIpState {
  const { node = '', networkInterfaceID = '', conditions = [] } = (status ?? {}) as Status;
  return {
    name: metadata.name,
    addresses: (spec?.['addresses'] ?? []) as string[],
    node,
    networkInterfaceId: networkInterfaceID,
    routed: ((spec?.['routeTables'] ?? []) as string[]).length > 0,
    ready: conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  };
}
