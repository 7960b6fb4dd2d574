import { type Fields, isRecord, type KubeObject, type Manifest, sameJson } from './object.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { ApiError, badRequest, conflict, invalid, modified } from './status.ts';

export type SubResource = 'main' | 'status';

/**
 * What becomes of an object when a client sends a whole new one, through the main resource or through `/status`.
 * Throws 409 for a stale resourceVersion, 400 for another name, 422 for another uid and any other change that is not
 * allowed. (A PUT checks the uid before, with 409; a PATCH that carries a uid really gets 422.)
 */
export function replacement(resource: Resource, sub: SubResource, current: KubeObject, sent: Manifest): KubeObject {
  checkIdentity(resource, current, sent);
  const next =
    sub === 'status' ? withStatusOf(resource, current, sent) : withEverythingButStatus(resource, current, sent);
  keepServerFields(next, current);
  if (resource.generation && !sameJson(counted(next, resource), counted(current, resource))) {
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  }
  refuseForbiddenChanges(resource, current, next);
  return next;
}

function checkIdentity(resource: Resource, current: KubeObject, sent: Manifest): void {
  const { name, uid, resourceVersion } = current.metadata;
  const metadata = sent.metadata ?? {};
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== current.metadata.namespace) {
    throw badRequest('the namespace of the object does not match the namespace on the URL');
  }
  if (metadata.uid && metadata.uid !== uid) {
    const message = `Invalid value: "${metadata.uid}": field is immutable`;
    throw invalid(resource, name, { reason: 'FieldValueInvalid', field: 'metadata.uid', message });
  }
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) throw modified(resource, name);
  if (resource.versionRequired && !metadata.resourceVersion) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    throw invalid(resource, name, { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message });
  }
}

function withStatusOf(resource: Resource, current: KubeObject, sent: Manifest): KubeObject {
  const next = structuredClone(current);
  if (isRecord(sent['status'])) next.status = sent['status'];
  else delete next.status;
  if (resource.storage === 'pods' && next.status) next.status = withPodIPs(next.status);
  if (resource.status === 'with-metadata') {
    next.metadata = { ...(sent.metadata as KubeObject['metadata']), name: current.metadata.name };
    restore(next.metadata, current.metadata, ['ownerReferences']);
  }
  return next;
}

function withEverythingButStatus(resource: Resource, current: KubeObject, sent: Manifest): KubeObject {
  const next = { ...structuredClone(sent), apiVersion: apiVersionOf(resource), kind: resource.kind } as KubeObject;
  next.metadata = { ...next.metadata, name: current.metadata.name };
  if (resource.status) restore(next, current, ['status']);
  if (resource.storage === 'pods') {
    next.spec = { ...next.spec };
    restore(next.spec, current.spec ?? {}, [
      'terminationGracePeriodSeconds',
      'restartPolicy',
      'dnsPolicy',
      'schedulerName',
    ]);
  }
  return next;
}

/** `podIPs` begins with `podIP`; a writer that knows only the old field gets the new one made for it. */
function withPodIPs(status: Fields): Fields {
  const { podIP, podIPs } = status;
  const first: unknown = Array.isArray(podIPs) ? podIPs[0]?.ip : undefined;
  return podIP === undefined || podIP === first ? status : { ...status, podIPs: [{ ip: podIP }] };
}

/** Nobody but the server writes these; a client that leaves them out or changes them is not refused. */
function keepServerFields(next: KubeObject, current: KubeObject): void {
  delete next.metadata['managedFields'];
  restore(next.metadata, current.metadata, serverFields);
}

const serverFields = [
  'uid',
  'namespace',
  'resourceVersion',
  'generateName',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

function restore(next: Fields, current: Fields, fields: readonly string[]): void {
  for (const field of fields) {
    if (current[field] === undefined) delete next[field];
    else next[field] = current[field];
  }
}

/** What `generation` counts: not metadata, and not a status that has a sub-resource of its own. */
function counted(object: KubeObject, resource: Resource): Fields {
  const { metadata: _, apiVersion: __, status, ...rest } = object;
  return resource.status ? rest : { ...rest, status };
}

function refuseForbiddenChanges(resource: Resource, current: KubeObject, next: KubeObject): void {
  const { name } = current.metadata;
  const added = (next.metadata.finalizers ?? []).filter((item) => !current.metadata.finalizers?.includes(item));
  if (current.metadata.deletionTimestamp && added.length > 0) {
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${added.join(', ')}`;
    throw invalid(resource, name, { reason: 'FieldValueForbidden', field: 'metadata.finalizers', message });
  }
  if (resource.storage === 'pods' && !sameJson(fixedPodSpec(current), fixedPodSpec(next))) {
    const message =
      'Forbidden: pod updates may not change fields other than images, activeDeadlineSeconds and tolerations';
    throw invalid(resource, name, { reason: 'FieldValueForbidden', field: 'spec', message });
  }
}

function fixedPodSpec(pod: KubeObject): Fields {
  const { activeDeadlineSeconds: _, tolerations: __, containers, initContainers, ...fixed } = pod.spec ?? {};
  return { ...fixed, containers: withoutImages(containers), initContainers: withoutImages(initContainers) };
}

function withoutImages(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container: Fields) => ({ ...container, image: undefined }));
}

/** As in meta/v1; absent or empty means any. */
export interface Preconditions {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

/** Throws 409 unless the object is the one that the delete call meant. */
export function checkPreconditions(resource: Resource, current: KubeObject, preconditions: Preconditions = {}): void {
  const { name, uid, resourceVersion } = current.metadata;
  if (preconditions.uid && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflict(resource, name, why);
  }
  const wanted = preconditions.resourceVersion;
  if (wanted && wanted !== resourceVersion) {
    throw new ApiError(
      409,
      'Conflict',
      `the ResourceVersion in the precondition (${wanted}) is not ${resourceVersion}`,
    );
  }
}
