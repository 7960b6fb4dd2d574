/** Keys of k8s-eip-operator on pods and nodes; those of its `Eip` objects and EIP tags are in eip-operator.ts. */
export const POD_LABEL = {
  manage: 'eip.materialize.cloud/manage',
  autocreate: 'eip.materialize.cloud/autocreate_eip',
  /** Of the tool's first version. */
  legacyManage: 'eip.aws.materialize.com/manage',
} as const;

export const ALLOCATION_ID_ANNOTATION = 'eip.materialize.cloud/allocation_id';

/** The nodes that an `Eip` may choose among carry it. */
export const NODE_LABEL = 'eip.materialize.cloud/manage';

/** `true` on the node that holds an EIP, `false` on the others that could: network policies choose the way out by it. */
export const EGRESS_READY_LABEL = 'egress-gateway.materialize.cloud/ready-status';

/**
 * Finalizers that the tool put on pods and nodes. We put none there: what a vanished pod leaves behind is found by its tags, so no
 * pod ever waits for us. Those of the tool are removed, or the pods would wait for a program that is gone.
 */
export const POD_FINALIZERS: readonly string[] = [
  'eip.materialize.cloud/disassociate',
  'eip.aws.materialize.com/disassociate',
];
export const NODE_FINALIZER = 'eip.materialize.cloud/disassociate_node';

/** True for a pod that wants an `Eip` of its own name for as long as it lives. */
export function wantsEipCreated(labels: Readonly<Record<string, string>>): boolean {
  return isTrue(labels[POD_LABEL.manage]) && isTrue(labels[POD_LABEL.autocreate]);
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}
