import { fromServed } from './conversion.ts';
import type { Fields, KubeObject, Manifest } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { badRequest, invalid } from './status.ts';

/** What a new object gets from outside the request. */
export interface Birth {
  uid: string;
  /** Wall clock, ms since the epoch. */
  now: number;
  /** Five characters for `generateName`. */
  suffix: string;
}

/**
 * The object as it is stored on creation: identity, defaults, and without the status that the client may not set.
 * Throws 400 when the body is of another kind or namespace than the path, 422 when it has no name.
 */
export function newborn(
  resource: Resource,
  namespace: string | undefined,
  manifest: Manifest,
  birth: Birth,
): KubeObject {
  const body = fromServed(resource, manifest);
  checkKind(resource, body);
  const sent = body.metadata ?? {};
  if (namespace !== undefined && sent.namespace !== undefined && sent.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const metadata: KubeObject['metadata'] = {
    ...withoutNulls(sent),
    name: sent.name ?? (sent.generateName ? sent.generateName + birth.suffix : ''),
    ...(namespace !== undefined && { namespace }),
    uid: birth.uid,
    resourceVersion: '',
    creationTimestamp: timestamp(birth.now),
    ...(resource.generation && { generation: 1 }),
  };
  delete metadata['deletionTimestamp'];
  delete metadata['managedFields'];
  if (metadata.name === '') {
    const message = 'Required value: name or generateName is required';
    throw invalid(resource, '', { reason: 'FieldValueRequired', field: 'metadata.name', message });
  }
  return withDefaults(resource, { ...body, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata });
}

/** Throws 400 when the body names another apiVersion or kind than the path; custom resources must name both. */
export function checkKind(resource: Resource, body: Manifest): void {
  const { apiVersion = resource.custom ? '' : undefined, kind = resource.custom ? '' : undefined } = body;
  if (apiVersion !== undefined && apiVersion !== apiVersionOf(resource)) {
    throw badRequest(
      `the API version in the data (${JSON.stringify(apiVersion)}) does not match the expected API version`,
    );
  }
  if (kind !== undefined && kind !== resource.kind) {
    throw badRequest(`the object provided is of kind ${JSON.stringify(kind)}, not ${resource.kind}`);
  }
}

/** RFC 3339 in whole seconds, the resolution of `creationTimestamp`. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  switch (resource.storage) {
    case 'pods':
      return {
        ...object,
        spec: { ...podDefaults, ...object.spec },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      };
    case 'namespaces':
      return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
    case 'nodes':
      return object;
    default:
      if (resource.status) delete object.status;
      return object;
  }
}

const podDefaults: Fields = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  securityContext: {},
  enableServiceLinks: true,
};

function withoutNulls<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as T;
}
