import { type Fields, isRecord, type KubeObject, type Manifest } from '../object.ts';
import type { Resource } from '../resource.ts';
import { badRequest, unprocessable, unsupportedMediaType } from '../status.ts';
import { applyConfiguration } from './apply-patch.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import type { PatchFormat } from './patch-format.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

export interface PatchRequest {
  format: PatchFormat;
  patch: unknown;
  /** `?fieldManager=`; server-side apply cannot do without. */
  manager?: string;
  force?: boolean;
}

/** Computes patched objects, and remembers per object what each server-side applier applied. */
export class PatchWriter {
  readonly #applied = new Map<string, Map<string, Fields>>();

  /** Throws 415 for a strategic merge on a custom resource, 400 for a body of the wrong form, 422 for an apply without manager. */
  check(resource: Resource, { format, patch, manager }: PatchRequest): void {
    if (format === 'strategic' && resource.custom) throw unsupportedMediaType();
    if (format !== 'json' && !isRecord(patch)) throw badRequest('the patch is not an object');
    if (format === 'apply' && !manager) {
      throw unprocessable(
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    }
  }

  patched(resource: Resource, current: KubeObject | undefined, request: PatchRequest): Manifest {
    const { format, patch, manager = '', force = false } = request;
    switch (format) {
      case 'json':
        return applyJsonPatch(current, patch) as Manifest;
      case 'merge':
        return applyMergePatch(current, patch) as Manifest;
      case 'strategic':
        return applyStrategicMergePatch(current, patch) as Manifest;
      case 'apply': {
        const others = this.#applied.get(current?.metadata.uid ?? '') ?? new Map<string, Fields>();
        const configuration = patch as Fields;
        return applyConfiguration({ current: current ?? {}, configuration, manager, force, others, resource });
      }
    }
  }

  remember(uid: string, { format, patch, manager = '' }: PatchRequest): void {
    if (format !== 'apply') return;
    const appliers = this.#applied.get(uid) ?? new Map<string, Fields>();
    this.#applied.set(uid, appliers.set(manager, patch as Fields));
  }

  forget(uid: string): void {
    this.#applied.delete(uid);
  }
}
