import { type EipObjectDialect, type EipObjectDialectName } from '../model/eip-objects/eip-object.ts';
import type { ControllerNode, ObjectAdapter, PodRequest } from '../model/eip-objects/plan.ts';
import type { JsonObject } from '../model/json.ts';
import type { Pod } from '../model/pod.ts';
import { awsOperator } from './aws-operator.ts';
import { eipOperator } from './eip-operator.ts';
import {
  ALLOCATION_ID_ANNOTATION,
  EGRESS_READY_LABEL,
  NODE_FINALIZER,
  POD_FINALIZERS,
  wantsEipCreated,
} from './eip-operator-keys.ts';
import { HANDOVER, handedOver, handover, handoverPod, withPrimary } from './handover.ts';

/** Annotation in which each node agent says what is bound to the addresses of its pods. */
const ADDRESSES = 'eni-agent.io/addresses';

/** Every dialect in which an EIP may have an object of its own. */
export const objectDialects: readonly EipObjectDialect[] = [eipOperator, awsOperator];

const byName = { 'eip-operator': eipOperator, 'aws-operator': awsOperator } satisfies Record<
  EipObjectDialectName,
  EipObjectDialect
>;

/** See {@link ObjectAdapter}. */
export const objectAdapter: ObjectAdapter = {
  finalizerOf: ({ dialect }) => byName[dialect].finalizer,
  statusOf: (claim, outcome) => byName[claim.dialect].statusOf(claim, outcome),
  podOf: handoverPod,
  handoverTags: handover.ownTags,
  handedOver: (pod) => handedOver(pod.annotations[HANDOVER]),
  saysBound: (pod, { publicIp }) => pod.annotations[ADDRESSES]?.includes(`"eip":"${publicIp}"`) === true,
  writePod,
  writeNode,
  saysHolds: ({ labels }) => labels[EGRESS_READY_LABEL] === 'true',
  wantsObject: ({ labels }) => wantsEipCreated(labels),
};

function writePod(pod: Pod, { handOver, shown, isOurs }: PodRequest): JsonObject | undefined {
  const annotations = differing(
    { [HANDOVER]: withPrimary(pod.annotations[HANDOVER], handOver, isOurs), [ALLOCATION_ID_ANNOTATION]: shown ?? null },
    pod.annotations,
  );
  const finalizers = without(pod.finalizers, POD_FINALIZERS);
  return annotations || finalizers
    ? { ...(annotations && { annotations }), ...(finalizers && { finalizers }) }
    : undefined;
}

function writeNode(node: ControllerNode, holdsEip: boolean | undefined): JsonObject | undefined {
  const labels =
    holdsEip === undefined ? undefined : differing({ [EGRESS_READY_LABEL]: String(holdsEip) }, node.labels);
  const finalizers = without(node.finalizers, [NODE_FINALIZER]);
  return labels || finalizers ? { ...(labels && { labels }), ...(finalizers && { finalizers }) } : undefined;
}

function differing(wanted: Readonly<Record<string, string | null>>, present: Readonly<Record<string, string>>) {
  const changed = Object.entries(wanted).filter(([key, value]) => (present[key] ?? null) !== value);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

function without(list: readonly string[], unwanted: readonly string[]): string[] | undefined {
  return list.some((entry) => unwanted.includes(entry)) ? list.filter((entry) => !unwanted.includes(entry)) : undefined;
}
