import type { EniId } from './eni.ts';

/** What EC2 says of an ENI that says whose it is. Tags and description can be written by AWS users only, never by a tenant of Kubernetes. */
export interface EniNature {
  /** Undefined when it is not attached, or when EC2 does not say. */
  readonly deviceIndex: number | undefined;
  readonly networkCard: number;
  readonly description: string;
  /** `interface`, `efa`, `trunk`, `branch` and others that belong to AWS services. */
  readonly interfaceType: string;
  /** Run by an AWS service (`requesterManaged` or `operator.managed`). */
  readonly requesterManaged: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Why addresses on an ENI belong to somebody else's traffic. */
export type Protection = 'primary' | 'vpc-cni' | 'trunk' | 'branch' | 'service';

/** Keeps the VPC CNI away from an ENI other than the primary. Source: its README, and FACTS §13. */
const NO_MANAGE = 'node.k8s.amazonaws.com/no_manage';
const OWNER = 'eks:eni:owner';
const RESOURCE_CONTROLLER = 'vpcresources.k8s.aws/';

/**
 * Whose traffic an ENI carries, when it is not ours: nothing is ever taken from such an ENI, and nothing is put on it unless an
 * operator names it. Undefined for an ENI that Multus pods may use.
 *
 * `primary` device 0 of network card 0, whatever its tags: the VPC CNI ignores `no_manage` there. `vpc-cni` the VPC CNI adopts every
 * secondary address that it finds on it. `trunk` and `branch` belong to its resource controller, `service` to an AWS service.
 */
export function protectionOf(eni: EniNature): Protection | undefined {
  const { tags, description, interfaceType } = eni;
  if (eni.deviceIndex === 0 && eni.networkCard === 0) return 'primary';
  if (interfaceType === 'trunk' || description === 'aws-k8s-trunk-eni') return 'trunk';
  const ofResourceController =
    Object.keys(tags).some((key) => key.startsWith(RESOURCE_CONTROLLER)) ||
    tags[OWNER] === 'eks-vpc-resource-controller';
  if (interfaceType === 'branch' || description === 'aws-k8s-branch-eni' || ofResourceController) return 'branch';
  if (eni.requesterManaged || !['', 'interface', 'efa'].includes(interfaceType)) return 'service';
  if (tags[NO_MANAGE] === 'true') return undefined;
  const ofVpcCni =
    'node.k8s.amazonaws.com/instance_id' in tags ||
    'node.k8s.amazonaws.com/createdAt' in tags ||
    tags[OWNER] === 'amazon-vpc-cni' ||
    description.startsWith('aws-K8S-');
  return ofVpcCni ? 'vpc-cni' : undefined;
}

/** True for an ENI that nothing is taken from or put on without an operator's word. See {@link protectionOf}. */
export function isProtected(eni: EniNature): boolean {
  return protectionOf(eni) !== undefined;
}

const WORDS = {
  primary: 'the primary ENI of its instance, whose addresses belong to the VPC CNI and the node',
  'vpc-cni': 'managed by the VPC CNI, which gives its addresses to ordinary pods',
  trunk: 'the trunk ENI for security groups of pods',
  branch: 'a branch ENI for security groups of pods',
  service: 'run by an AWS service',
} as const satisfies Record<Protection, string>;

/** A clause for messages: `eni-1 is the primary ENI of its instance, …`. */
export function explainProtection(id: EniId, protection: Protection): string {
  return `${id} is ${WORDS[protection]}`;
}

/** Tag keys whose value is the name of a Kubernetes cluster: EKS, eksctl, the VPC CNI, our own controller. */
const CLUSTER_NAME_KEYS = [
  'aws:eks:cluster-name',
  'eks:cluster-name',
  'eks:eks-cluster-name',
  'alpha.eksctl.io/cluster-name',
  'cluster.k8s.amazonaws.com/name',
  'eni-agent.io/cluster',
];
const CLUSTER_KEY = 'kubernetes.io/cluster/';

/** The clusters that tags of an instance or ENI name. */
export function clustersOf(tags: Readonly<Record<string, string>>): string[] {
  const byKey = Object.keys(tags).flatMap((key) =>
    key.startsWith(CLUSTER_KEY) ? [key.slice(CLUSTER_KEY.length)] : [],
  );
  const byValue = CLUSTER_NAME_KEYS.flatMap((key) => tags[key] ?? []);
  return [...new Set([...byKey, ...byValue])].filter((name) => name !== '').sort();
}
