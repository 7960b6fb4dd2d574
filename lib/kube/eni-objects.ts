import { ENI_FINALIZER, type EniObject, type EniObjectStatus } from '../model/eni-objects/eni-object.ts';
import { eniStatusBody } from '../model/eni-objects/read.ts';
import type { KubeClient } from './client.ts';
import { collectionPath, patchObject, type WriteOutcome } from './custom-resources.ts';
import { createWritePool, type WritePoolOptions } from './write-pool.ts';

/** `ENI` of k8s-aws-operator, whose objects, statuses and finalizers go on to be used. */
const ENI_TYPE = { group: 'aws.k8s.logmein.com', version: 'v1alpha1', plural: 'enis' } as const;

/** Writes to `ENI` objects. Rejects with `KubeError` for refusals that repeating will not fix. */
export interface EniObjectWriter {
  /** While the API server is unavailable the newest status waits. */
  writeStatus(object: EniObject, status: EniObjectStatus): Promise<WriteOutcome>;
  /** A compare-and-set; `stale` when the object has changed since it was read. */
  addFinalizer(object: EniObject): Promise<WriteOutcome>;
  removeFinalizer(object: EniObject): Promise<WriteOutcome>;
}

export interface EniObjectWriterOptions extends WritePoolOptions {
  readonly client: KubeClient;
  /** False for a definition of the old tool, where the status is written with the object. Asked for each write. */
  readonly statusSubresource: () => boolean;
}

export function createEniObjectWriter(options: EniObjectWriterOptions): EniObjectWriter {
  const { client, clock, signal, statusSubresource } = options;
  const statuses = createWritePool<{ readonly object: EniObject; readonly status: EniObjectStatus }, WriteOutcome>(
    {
      merge: (_older, newer) => newer,
      perform(_key, { object, status }, until) {
        // No version: the status is ours alone, and the spec may change meanwhile.
        const target = { path: pathOf(object), uid: object.uid, resourceVersion: undefined };
        const patch = { status: eniStatusBody(object, status, clock.now()) };
        return patchObject(client, target, patch, until, statusSubresource() ? '/status' : '');
      },
    },
    options,
  );
  const setFinalizers = (object: EniObject, finalizers: readonly string[]) => {
    const { uid, resourceVersion } = object;
    return patchObject(client, { path: pathOf(object), uid, resourceVersion }, { metadata: { finalizers } }, signal);
  };
  return {
    writeStatus: (object, status) => statuses.write(object.uid, { object, status }),
    addFinalizer: (object) => setFinalizers(object, [...object.finalizers, ENI_FINALIZER]),
    removeFinalizer: (object) =>
      setFinalizers(
        object,
        object.finalizers.filter((one) => one !== ENI_FINALIZER),
      ),
  };
}

function pathOf({ namespace, name }: EniObject): string {
  return `${collectionPath(ENI_TYPE, namespace)}/${name}`;
}
