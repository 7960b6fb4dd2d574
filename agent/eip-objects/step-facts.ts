import { objectDialects } from '../../lib/dialect/handover-adapter.ts';
import { type EipObjectDialectName, objectKey, type ResourceType } from '../../lib/model/eip-objects/eip-object.ts';
import { isEc2Step, type ObjectStep } from '../../lib/model/eip-objects/plan.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import { isObject } from '../../lib/model/json.ts';

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
  if (isEc2Step(step) || step.kind === 'ask-ending') return undefined;
  if ('claim' in step) return step.claim.object.resourceVersion;
  return 'pod' in step ? step.pod.resourceVersion : step.node.resourceVersion;
}

/** What a log line says of a step. */
export function about(step: ObjectStep) {
  const object = 'claim' in step ? { object: objectKey(step.claim.object), dialect: step.claim.dialect } : {};
  const pod = 'pod' in step ? { pod: objectKey(step.pod) } : {};
  const node = 'node' in step ? { node: step.node.name } : {};
  const eip = 'eip' in step ? { publicIp: step.eip.publicIp, allocationId: step.eip.allocationId } : {};
  return { ...object, ...pod, ...node, ...eip };
}

/** True for the write that puts our finalizer on an object. */
export function takesHold(step: ObjectStep): step is Extract<ObjectStep, { kind: 'write-object' }> {
  return (
    step.kind === 'write-object' &&
    !step.claim.held &&
    isObject(step.patch['metadata']) &&
    'finalizers' in step.patch['metadata']
  );
}
