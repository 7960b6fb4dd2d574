import { awsOperator } from '../../lib/dialect/aws-operator.ts';
import type { ObjectContext } from '../../lib/model/eip-objects/eip-object.ts';
import type { ControllerPod } from '../../lib/model/eip-objects/plan.ts';
import { type EniObject, eniKey } from '../../lib/model/eni-objects/eni-object.ts';
import { toEniObject } from '../../lib/model/eni-objects/read.ts';
import { type IpAddress, parseIp } from '../../lib/model/ip.ts';
import { objectsOf, parseJson, textOf } from '../../lib/model/json.ts';
import { isAlive, podKey } from '../../lib/model/pod.ts';
import type { ControllerSources } from '../controller/sources.ts';
import type { NodeInstances } from './node-instances.ts';
import type { EniSurroundings } from './reconciler.ts';

/** Annotation in which each node agent says the addresses of its pods. */
const ADDRESSES = 'eni-agent.io/addresses';

/** Joins what the shared watches know with the instances of nodes; states what the loop needs to see. */
export function observeEnis(
  sources: ControllerSources,
  instances: NodeInstances,
  context: ObjectContext,
): EniSurroundings {
  const objects = sources.eniObjects().map(toEniObject);
  const named = new Set(
    objects.flatMap(({ namespace, spec }) => (spec.podName === undefined ? [] : [`${namespace}/${spec.podName}`])),
  );
  sources.needPods('enis', named.size > 0 ? 'all' : 'none');
  const pods = sources.pods().filter(isAlive);
  const holders = pods.filter((pod) => named.has(podKey(pod)));
  const placed = holders.filter(({ nodeName }) => nodeName !== '');
  const instanceOfNode = placed.map(({ nodeName, uid }) => [nodeName, instances.of(nodeName, uid)] as const);
  const nodesKnown = placed.every(({ uid }) => !instances.isAwaited(uid));
  instances.keep(new Set(placed.map(({ uid }) => uid)));
  return {
    objects,
    objectsKnown: sources.eniObjectsKnown,
    pods: new Map(holders.map((pod) => [podKey(pod), { nodeName: pod.nodeName }])),
    podsKnown: named.size === 0 || (sources.podsKnown && nodesKnown),
    instanceOfNode: new Map(instanceOfNode.flatMap(([node, id]) => (id === undefined ? [] : [[node, id]]))),
    inUse: new Set([...pods.flatMap(addressesOf), ...namedByEips(objects, sources, context)]),
  };
}

function addressesOf({ podIps, annotations }: ControllerPod): readonly IpAddress[] {
  const published = objectsOf(parseJson(annotations[ADDRESSES] ?? 'null'));
  return [...podIps, ...published.flatMap(({ address }) => parseIp(textOf(address) ?? '') ?? [])];
}

/** An EIP that names an address of an ENI object by its index keeps that address, also before it is associated. */
function namedByEips(objects: readonly EniObject[], sources: ControllerSources, context: ObjectContext): IpAddress[] {
  const byKey = new Map(objects.map((object) => [eniKey(object), object]));
  return sources.objects(awsOperator).flatMap((eip) => {
    const claim = awsOperator.claimOf(eip, context);
    if ('reason' in claim || claim.assignment.kind !== 'eni') return [];
    const { name, addressIndex } = claim.assignment;
    return byKey.get(`${eip.namespace}/${name}`)?.status.privateIPAddresses[addressIndex] ?? [];
  });
}
