import type { EniId } from '../../model/eni.ts';
import { isObject, parseJson } from '../../model/json.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import type { Pod } from '../../model/pod.ts';

/** Annotation of the VPC resource controller: the branch ENI of a pod with security groups of its own. Whoever may edit the pod can write it. */
const POD_ENI = 'vpc.amazonaws.com/pod-eni';

/** The resource controller's tag on a branch ENI: the trunk under it. Only AWS users can write it. */
const TRUNK_TAG = 'vpcresources.k8s.aws/trunk-eni-id';

/** The ENI that the pod's annotation names: a hint where to look, never proof. Never throws. */
export function namedBranch({ annotations }: Pod): EniId | undefined {
  const list = parseJson(annotations[POD_ENI] ?? '');
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  const id = isObject(first) ? first['eniId'] : undefined;
  return typeof id === 'string' && /^eni-[0-9a-z-]{1,32}$/.test(id) ? id : undefined;
}

/** True when EC2 says that the interface is a branch of a trunk on this node. */
export function isBranchOf(ourEnis: ReadonlySet<EniId>, { managed, tags }: NetworkInterface): boolean {
  const trunk = tags[TRUNK_TAG];
  return managed && trunk !== undefined && ourEnis.has(trunk);
}
