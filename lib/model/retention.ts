import { shown } from './json.ts';

/**
 * Tag of an Elastic IP or interface that stays although its object is gone: the one object that may adopt it. Only the controller and
 * whoever may write tags in EC2 can set it, so it is proof, unlike anything that a user of the cluster can write.
 */
export const RETAINED_TAG = 'eni-agent.io/retained-for';

/** The value of {@link RETAINED_TAG}: `EIP/namespace/name`. */
export function retainedFor(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return `${kind}/${namespace}/${name}`;
}

/** Annotation on an object: what becomes of its Elastic IP or interface when the object is deleted. */
export const DELETION_POLICY = 'eni-agent.io/deletion-policy';

export type DeletionPolicy = 'Retain' | 'Release';

/** Undefined: not given. Anything but the two words is a fault. */
export function deletionPolicyOf(text: string | undefined): DeletionPolicy | undefined | { readonly fault: string } {
  if (text === undefined || text === 'Retain' || text === 'Release') return text;
  return { fault: `annotation ${DELETION_POLICY}: ${shown(text)} is neither Retain nor Release` };
}

/** Why an object is being deleted: it alone, or with its namespace or its definition. */
export type Ending = 'object' | 'namespace' | 'definition';
