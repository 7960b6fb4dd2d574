import type { CustomObject } from '../model/eip-objects/eip-object.ts';
import { isObject, textOf } from '../model/json.ts';
import type { EipObjectFact } from '../model/status/cluster-facts.ts';
import { awsOperator } from './aws-operator.ts';
import { eipOperator } from './eip-operator.ts';

/** The kinds of objects that stand for one Elastic IP each. */
export const EIP_OBJECT_TYPES = [awsOperator.resource, eipOperator.resource] as const;

/** What the status of an Elastic IP's object says, for people. The two operators name the same things differently. */
export function eipObjectFact(kind: string, { namespace, name, status }: CustomObject): EipObjectFact {
  const assignment = isObject(status['assignment']) ? status['assignment'] : {};
  return {
    kind: kind === 'EIP' ? 'EIP' : 'Eip',
    namespace,
    name,
    publicIp: textOf(status['publicIPAddress']) ?? textOf(status['publicIpAddress']),
    allocationId: textOf(status['allocationId']),
    privateIp: textOf(assignment['privateIPAddress']) ?? textOf(status['privateIpAddress']),
    holder: textOf(assignment['podName']) ?? textOf(assignment['eni']) ?? textOf(status['resourceId']),
  };
}
