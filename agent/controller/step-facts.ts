import { objectDialects } from '../../lib/dialect/handover-language.ts';
import type { ObjectStep } from '../../lib/model/controller-plan.ts';
import { type EipObjectDialectName, objectKey, type ResourceType } from '../../lib/model/eip-object.ts';
import type { EipStep } from '../../lib/model/eip-plan.ts';

/** The kind of custom resource that a dialect speaks of. */
export function resourceOf(dialect: EipObjectDialectName): ResourceType {
  const found = objectDialects.find(({ name }) => name === dialect);
  if (found === undefined) throw new Error(`no dialect is called ${dialect}`);
  return found.resource;
}

const EIP_CALLS = [
  'allocate',
  'associate',
  'tag',
  'disassociate',
  'release',
  'untag',
] as const satisfies EipStep['kind'][];

/** The call by its name in the node agents' plans, for the same words about the same refusals. */
export function eipCallOf({ kind }: ObjectStep): EipStep['kind'] {
  return EIP_CALLS.find((call) => call === kind) ?? 'associate';
}

/** The version of the object that a Kubernetes write rests on. */
export function versionOf(step: ObjectStep): string | undefined {
  switch (step.kind) {
    case 'write-object':
    case 'write-status':
    case 'delete-eip':
      return step.claim.object.resourceVersion;
    case 'write-pod':
    case 'create-eip':
      return step.pod.resourceVersion;
    case 'write-node':
      return step.node.resourceVersion;
    default:
      return undefined;
  }
}

/** What a log line tells of a step. */
export function about(step: ObjectStep) {
  const object = 'claim' in step ? { object: objectKey(step.claim.object), dialect: step.claim.dialect } : {};
  const pod = 'pod' in step ? { pod: objectKey(step.pod) } : {};
  const node = 'node' in step ? { node: step.node.name } : {};
  const eip = 'eip' in step ? { publicIp: step.eip.publicIp, allocationId: step.eip.allocationId } : {};
  return { ...object, ...pod, ...node, ...eip };
}
