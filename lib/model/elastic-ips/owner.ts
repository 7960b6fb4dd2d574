/**
 * Whom the tags of an Elastic IP name as its owner. Tags are proof where annotations and status are not: only AWS users can write them, and
 * of this cluster's users none can (EC2 CreateTags).
 */
export interface EipOwner {
  readonly kind: 'pod' | 'object' | 'floating-ip';
  /** False: another cluster's, or one whose cluster the tags do not name. */
  readonly isHere: boolean;
  /** `namespace/name`; of a FloatingIP its name. */
  readonly name: string;
  /** `namespace/name` of the pod that the controller has assigned the object's EIP to; undefined: the tags do not say. */
  readonly pod?: string | undefined;
  /** The keys by which it is known. */
  readonly keys: readonly string[];
}

/** The owner in words, for messages. */
export function explainOwner({ kind, isHere, name }: EipOwner): string {
  const what = { pod: 'pod', object: 'EIP object', 'floating-ip': 'FloatingIP' }[kind];
  return `${what} ${name}${isHere ? '' : ' of another cluster'}`;
}
