import { POD_FINALIZERS, POD_LABEL } from '../../lib/dialect/eip-operator-keys.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { toControllerPod } from '../../lib/kube/controller-views.ts';
import { collectionPath, patchObject } from '../../lib/kube/custom-resources.ts';
import { listAll } from '../../lib/kube/list.ts';
import { objectKey } from '../../lib/model/eip-objects/eip-object.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

export interface LegacyFinalizersOptions {
  readonly kube: KubeClient;
  readonly log: Logger;
  readonly namespaces: readonly string[];
  readonly dryRun: boolean;
}

/**
 * Takes the finalizers of k8s-eip-operator's first version off the pods that have its label. Once per term of leadership: nobody puts
 * such finalizers on pods any more, so a watch would see nothing. Those of later versions are the plan's, which sees their pods.
 * @throws {KubeError} when a pod could not be read or written; the task then starts again.
 */
export async function removeLegacyFinalizers(options: LegacyFinalizersOptions, signal: AbortSignal): Promise<void> {
  const { kube, log, namespaces, dryRun } = options;
  const path = collectionPath(
    { group: '', version: 'v1', plural: 'pods' },
    namespaces.length === 1 ? namespaces[0] : undefined,
  );
  const query = { labelSelector: POD_LABEL.legacyManage };
  const { entries } = await listAll(kube, { path, query, from: '0', signal, convert: toControllerPod });
  for (const pod of entries) {
    const inScope = namespaces.length === 0 || namespaces.includes(pod.namespace);
    const finalizers = pod.finalizers.filter((entry) => !POD_FINALIZERS.includes(entry));
    if (!inScope || dryRun || finalizers.length === pod.finalizers.length) continue;
    const { namespace, name, uid, resourceVersion } = pod;
    const target = { path: `/api/v1/namespaces/${namespace}/pods/${name}`, uid, resourceVersion };
    const outcome = await patchObject(kube, target, { metadata: { finalizers } }, signal, '/status');
    if (outcome === 'stale') throw new Error(`pod ${objectKey(pod)} changed meanwhile`);
    log.info('removed a finalizer of k8s-eip-operator from a pod', { pod: objectKey(pod) });
  }
}
