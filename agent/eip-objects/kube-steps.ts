import type { KubeClient } from '../../lib/kube/client.ts';
import {
  collectionPath,
  createObject,
  deleteObject,
  patchObject,
  type WriteOutcome,
  type WriteTarget,
} from '../../lib/kube/custom-resources.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { RawObject } from '../../lib/kube/object-store.ts';
import type { EipObjectDialectName, ObjectClaim } from '../../lib/model/eip-objects/eip-object.ts';
import type { ControllerNode, ControllerPod, KubeStep } from '../../lib/model/eip-objects/plan.ts';
import type { JsonObject } from '../../lib/model/json.ts';
import { ownerReference } from '../../lib/plan/eip-objects/plan-autocreation.ts';
import { resourceOf } from './step-facts.ts';

export interface KubeParts {
  readonly kube: KubeClient;
  readonly statusIsSubresource: (dialect: EipObjectDialectName) => boolean;
  readonly signal: AbortSignal;
}

/** Carries out one write; each names the version that it was decided on. @throws {KubeError} */
export function performKubeStep(
  step: Exclude<KubeStep, { kind: 'ask-ending' }>,
  { kube, statusIsSubresource, signal }: KubeParts,
): Promise<WriteOutcome> {
  switch (step.kind) {
    case 'write-object':
      return patchObject(kube, objectTarget(step.claim), step.patch, signal);
    case 'write-status': {
      const subresource = statusIsSubresource(step.claim.dialect) ? '/status' : '';
      return patchObject(kube, objectTarget(step.claim), step.patch, signal, subresource);
    }
    case 'write-pod':
      // Metadata by the status sub-resource: no right to change a spec is needed.
      return patchObject(kube, podTarget(step.pod), step.patch, signal, '/status');
    case 'write-node':
      return patchObject(kube, nodeTarget(step.node), step.patch, signal);
    case 'create-eip':
      return createObject(kube, collectionPath(EIP, step.pod.namespace), eipFor(step.pod), signal);
    case 'delete-eip':
      return deleteEip(step, kube, signal);
  }
  return step satisfies never;
}

/** The watches of pods and of objects are two: an object whose owner the one of pods does not show may be a later pod's. */
async function deleteEip(
  { claim, namesake }: KubeStep & { readonly kind: 'delete-eip' },
  kube: KubeClient,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const owner = claim.object.owners.find(({ kind }) => kind === 'Pod');
  if (namesake !== undefined && (await uidAt(podTarget(namesake).path, kube, signal)) === owner?.uid) return 'stale';
  return deleteObject(kube, objectTarget(claim), signal);
}

/** Undefined when nothing is there. @throws {KubeError} */
async function uidAt(path: string, kube: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await kube.request<RawObject>({ method: 'GET', path, signal })).metadata.uid;
  } catch (error) {
    if (isKubeError(error) && error.status === 404) return undefined;
    throw error;
  }
}

const EIP = resourceOf('eip-operator');

function objectTarget({ dialect, object }: ObjectClaim): WriteTarget {
  const { namespace, name, uid, resourceVersion } = object;
  return { path: `${collectionPath(resourceOf(dialect), namespace)}/${name}`, uid, resourceVersion };
}

function podTarget({ namespace, name, uid, resourceVersion }: ControllerPod): WriteTarget {
  return { path: `/api/v1/namespaces/${namespace}/pods/${name}`, uid, resourceVersion };
}

function nodeTarget({ name, resourceVersion }: ControllerNode): WriteTarget {
  return { path: `/api/v1/nodes/${name}`, uid: '', resourceVersion };
}

function eipFor(pod: ControllerPod): JsonObject {
  return {
    apiVersion: `${EIP.group}/${EIP.version}`,
    kind: EIP.kind,
    metadata: { name: pod.name, namespace: pod.namespace, ownerReferences: [ownerReference(pod)] },
    spec: { selector: { pod: { podName: pod.name } } },
  };
}
