/** Manifests that the stories write themselves; everything else is from samples/. */
export const NAMESPACE = 'story';

const LABEL = 'app';

/** The namespace of the stories, and two networks of their own: `red` on eth1 and dual-stack `blue` on eth2, with few addresses to spare. */
export function networks(): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    network('red', 'eth1', { range: '10.10.1.0/24', range_start: '10.10.1.130', range_end: '10.10.1.159' }),
    network('blue', 'eth2', {
      ipRanges: [
        { range: '10.10.2.0/24', range_start: '10.10.2.130', range_end: '10.10.2.159' },
        { range: '2001:db8:0:2::/64', range_start: '2001:db8:0:2::130', range_end: '2001:db8:0:2::159' },
      ],
    }),
  ];
}

/** A network on an interface of the node, with whereabouts. */
export function network(name: string, master: string, ipam: object): object {
  const config = {
    cniVersion: '0.3.1',
    name,
    type: 'ipvlan',
    master,
    mode: 'l2',
    ipam: { type: 'whereabouts', ...ipam },
  };
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: NAMESPACE },
    spec: { config: JSON.stringify(config) },
  };
}

export interface WorkloadOptions {
  readonly networks?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Ready only when EC2 has its addresses. @default false */
  readonly gated?: boolean;
  /** Chooses the node. */
  readonly nodeName?: string;
  /** Lets the scheduler choose, so that taints count. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** The template of a pod whose first process writes a line as it starts, and that may change its own addresses. */
function template(name: string, options: WorkloadOptions): object {
  const { networks: attached, annotations = {}, labels = {}, gated = false, nodeName, nodeSelector } = options;
  return {
    metadata: {
      labels: { [LABEL]: name, ...labels },
      annotations: { ...(attached === undefined ? {} : { 'k8s.v1.cni.cncf.io/networks': attached }), ...annotations },
    },
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(gated ? { readinessGates: [{ conditionType: 'eni-agent.io/AddressesAssigned' }] } : {}),
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: 'busybox:1.36',
          command: ['sh', '-c', 'echo started; exec sleep infinity'],
          securityContext: { capabilities: { add: ['NET_ADMIN'] } },
        },
      ],
    },
  };
}

export function deployment(name: string, replicas: number, options: WorkloadOptions): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: { replicas, selector: { matchLabels: { [LABEL]: name } }, template: template(name, options) },
  };
}

export function pod(name: string, options: WorkloadOptions): object {
  const { metadata, spec } = template(name, options) as { metadata: object; spec: object };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE, ...metadata }, spec };
}
