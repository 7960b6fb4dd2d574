import { type Manifest, valueAt } from './object.ts';
import type { ObjectApi } from './object-api.ts';
import type { Resource } from './resource.ts';
import { badRequest, methodNotAllowed, noSuchResource } from './status.ts';

const SCALABLE = /^(?:deployments|statefulsets|replicasets)\.apps$/;

interface ScaleRequest {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly method: string;
  /** Of a write: a whole Scale, or a patch of one. */
  readonly sent: Manifest | undefined;
}

/** Whether it has a `/scale` sub-resource. */
export function isScalable({ storage }: Resource): boolean {
  return SCALABLE.test(storage);
}

/** The `/scale` sub-resource of workloads, as `kubectl scale` reads and writes it. @throws {ApiError} 404 for what cannot be scaled */
export function scaleAnswer(api: ObjectApi, { resource, namespace, name, method, sent }: ScaleRequest): object {
  if (!isScalable(resource)) throw noSuchResource();
  if (!['GET', 'PUT', 'PATCH'].includes(method)) throw methodNotAllowed();
  if (method !== 'GET') {
    const replicas = valueAt(sent, 'spec.replicas');
    if (typeof replicas !== 'number') throw badRequest('spec.replicas: Required value');
    api.patch(resource, 'main', namespace, name, { format: 'merge', patch: { spec: { replicas } } });
  }
  const { metadata, spec, status } = api.get(resource, namespace, name);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    spec: { replicas: spec?.['replicas'] ?? 1 },
    status: { replicas: status?.['replicas'] ?? 0 },
  };
}
