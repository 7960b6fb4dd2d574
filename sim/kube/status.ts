import type { Fields } from './object.ts';
import type { Resource } from './resource.ts';

/** The `Status` object that the API server answers with instead of the asked-for object. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Fields;
  status: 'Failure' | 'Success';
  message?: string;
  reason?: string;
  details?: Fields;
  code?: number;
}

/** Thrown anywhere below the HTTP layer, which sends it as a `Status` with its code. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Fields | undefined;

  constructor(code: number, reason: string, message: string, details?: Fields) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    const { code, reason, message, details } = this;
    return { ...failure, message, reason, ...(details && { details }), code };
  }
}

const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const;

export function notFound(resource: Resource, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name));
}

/** Nothing is served at this path (unlike `notFound`, which misses one object). */
export function noSuchResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** Said in words, because kubectl prints them to whoever plays with the simulated cluster. */
export function noContainers(): ApiError {
  const message = 'pods of the simulated cluster have no containers: exec, attach and port-forward need a real cluster';
  return new ApiError(400, 'BadRequest', message, {});
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name));
}

export function conflict(resource: Resource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, about(resource, name));
}

/** A resourceVersion that is not the stored one. */
export function modified(resource: Resource, name: string): ApiError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

export interface Cause {
  reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden';
  field: string;
  message: string;
}

export function invalid(resource: Resource, name: string, cause: Cause): ApiError {
  const message = `${resource.kind} "${name}" is invalid: ${cause.field}: ${cause.message}`;
  const details = { name, ...group(resource), kind: resource.kind, causes: [cause] };
  return new ApiError(422, 'Invalid', message, details);
}

export function unprocessable(message: string): ApiError {
  return new ApiError(422, 'Invalid', message, {});
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function forbidden(resource: Resource, name: string, why: string): ApiError {
  return new ApiError(403, 'Forbidden', `${qualified(resource)} "${name}" is forbidden: ${why}`, about(resource, name));
}

/** The history that a watch or a continued list needs is gone: list again. */
export function expired(asked: number, oldest: number): ApiError {
  return new ApiError(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unsupportedMediaType(): ApiError {
  return new ApiError(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format', {});
}

/** What a finished deletion answers for most resources. */
export function deleted(resource: Resource, name: string, uid: string): Status {
  const details = { ...about(resource, name), uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function about(resource: Resource, name: string): Fields {
  return { name, ...group(resource), kind: resource.plural };
}

function group(resource: Resource): Fields {
  return resource.group === '' ? {} : { group: resource.group };
}

function qualified(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
