import type { DialectContext } from '../model/elastic-ips/claim.ts';
import type { EipOwner } from '../model/elastic-ips/owner.ts';
import { FLOATING_IP_TAG } from '../model/floating-ips/tags.ts';
import { RETAINED_TAG } from '../model/retention.ts';
import { TAG as AWS_OPERATOR } from './aws-operator.ts';
import { TAG as EIP_OPERATOR, LEGACY_TAG } from './eip-operator.ts';
import { TAG as HANDOVER } from './handover.ts';
import { TAG as OWN } from './own.ts';
import { TAG as POD_EIP_CONTROLLER } from './pod-eip-controller.ts';

type Tags = Readonly<Record<string, string>>;

/** Everybody whom the tags name, in whatever dialect and cluster. What carries such tags belongs to nobody else. */
export function ownersOf(tags: Tags, { clusterName }: DialectContext): readonly EipOwner[] {
  const isHere = (key: string) => clusterName !== undefined && tags[key] === clusterName;
  const owners: EipOwner[] = [];
  for (const { pod, cluster } of [OWN, HANDOVER, POD_EIP_CONTROLLER]) {
    const name = tags[pod];
    if (name) owners.push({ kind: 'pod', isHere: isHere(cluster), name, keys: [pod, cluster] });
  }
  const object = { kind: 'object', isHere: false, name: '', keys: [] } as const;
  if (tags[EIP_OPERATOR.uid]) owners.push({ ...object, isHere: isHere(EIP_OPERATOR.cluster), ...ofEipOperator(tags) });
  if (tags[AWS_OPERATOR.uid]) owners.push({ ...object, isHere: isHere(AWS_OPERATOR.cluster), ...ofAwsOperator(tags) });
  const legacy = tags[LEGACY_TAG.podUid];
  if (legacy) owners.push({ ...object, name: `for the pod with uid ${legacy}`, isHere: isHere(LEGACY_TAG.cluster) });
  const retained = tags[RETAINED_TAG];
  if (retained) {
    const keys = [RETAINED_TAG, AWS_OPERATOR.cluster];
    owners.push({ ...object, name: retained, isHere: isHere(AWS_OPERATOR.cluster), keys });
  }
  const floatingIp = tags[FLOATING_IP_TAG.name];
  if (floatingIp) {
    const keys = Object.values(FLOATING_IP_TAG);
    owners.push({ kind: 'floating-ip', isHere: isHere(FLOATING_IP_TAG.cluster), name: floatingIp, keys });
  }
  return owners;
}

function ofEipOperator(tags: Tags): Pick<EipOwner, 'name' | 'pod' | 'keys'> {
  const namespace = tags[EIP_OPERATOR.namespace] ?? '';
  const pod = tags[EIP_OPERATOR.pod];
  const name = `${namespace}/${tags[EIP_OPERATOR.name] ?? tags[EIP_OPERATOR.uid]}`;
  return { name, pod: pod === undefined ? undefined : `${namespace}/${pod}`, keys: Object.values(EIP_OPERATOR) };
}

function ofAwsOperator(tags: Tags): Pick<EipOwner, 'name' | 'pod' | 'keys'> {
  const name = tags[AWS_OPERATOR.object] ?? `/${tags[AWS_OPERATOR.uid]}`;
  const pod = tags[AWS_OPERATOR.pod];
  const namespace = name.split('/', 1)[0] ?? '';
  return { name, pod: pod === undefined ? undefined : `${namespace}/${pod}`, keys: Object.values(AWS_OPERATOR) };
}
