import { isRecord, type KubeObject, valueAt } from './object.ts';
import type { Resource } from './resource.ts';
import { badRequest, type Cause, invalid } from './status.ts';

type Rule = (object: KubeObject, resource: Resource) => Cause | undefined;

const rules: Readonly<Record<string, readonly Rule[]>> = {
  pods: [podHasContainers],
  'leases.coordination.k8s.io': [leaseDurationIsPositive],
  events: [eventIsInItsObjectsNamespace, newEventHasTime],
};

const microTimes: Readonly<Record<string, readonly string[]>> = {
  'leases.coordination.k8s.io': ['spec.acquireTime', 'spec.renewTime'],
  events: ['eventTime', 'series.lastObservedTime'],
};

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Refuses with 422 what the API server's own validation would refuse, as far as this program can run into it. */
export function validate(resource: Resource, object: KubeObject): void {
  const { name } = object.metadata;
  if (!validName(resource, name)) {
    const message = `Invalid value: "${name}": a lowercase RFC 1123 subdomain is needed`;
    throw invalid(resource, name, { reason: 'FieldValueInvalid', field: 'metadata.name', message });
  }
  for (const rule of rules[resource.storage] ?? []) {
    const cause = rule(object, resource);
    if (cause) throw invalid(resource, name, cause);
  }
}

/**
 * Refuses with 400 a MicroTime that does not have exactly six decimals (facts §7.1: a JavaScript Date has three);
 * this is decoding, so it comes before every other check.
 */
export function checkMicroTimes(resource: Resource, object: object): void {
  for (const path of microTimes[resource.storage] ?? []) {
    const value = valueAt(object, path);
    if (value === undefined || value === null) continue;
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(value)) continue;
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled: parsing time ${JSON.stringify(value)}`,
    );
  }
}

function validName(resource: Resource, name: string): boolean {
  if (resource.group === 'rbac.authorization.k8s.io') return name !== '' && !/[/%]/.test(name);
  return name.length <= 253 && dnsSubdomain.test(name);
}

function podHasContainers(pod: KubeObject): Cause | undefined {
  const containers = pod.spec?.['containers'];
  if (Array.isArray(containers) && containers.length > 0) return undefined;
  return { reason: 'FieldValueRequired', field: 'spec.containers', message: 'Required value' };
}

function leaseDurationIsPositive(lease: KubeObject): Cause | undefined {
  const seconds = lease.spec?.['leaseDurationSeconds'];
  if (seconds === undefined || (typeof seconds === 'number' && seconds > 0)) return undefined;
  const message = `Invalid value: ${JSON.stringify(seconds)}: must be greater than 0`;
  return { reason: 'FieldValueInvalid', field: 'spec.leaseDurationSeconds', message };
}

function eventIsInItsObjectsNamespace(event: KubeObject, resource: Resource): Cause | undefined {
  const about = event['involvedObject'];
  const namespace = (isRecord(about) && about['namespace']) || 'default';
  if (namespace === event.metadata.namespace) return undefined;
  const field = resource.group === '' ? 'involvedObject.namespace' : 'regarding.namespace';
  return { reason: 'FieldValueInvalid', field, message: 'Invalid value: does not match event.namespace' };
}

function newEventHasTime(event: KubeObject, resource: Resource): Cause | undefined {
  if (resource.group === '' || event['eventTime']) return undefined;
  return { reason: 'FieldValueRequired', field: 'eventTime', message: 'Required value' };
}
