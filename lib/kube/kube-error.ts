import type { IncomingHttpHeaders } from 'node:http';

/**
 * The only error that the Kubernetes adapter throws for an answer of the API server or the lack of one.
 * `status` 0 means that no (complete) answer came: then `reason` is `Network` or `Timeout`, and a write may have been done.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  /** The Status object's reason (`NotFound`, `Conflict`, `Expired` …); empty when the server gave none. */
  readonly reason: string;
  /** Pause that the server asked for (Retry-After), ms. */
  readonly retryAfterMs: number | undefined;
  /** Fields named by an `Invalid` answer, e.g. `metadata.uid`. */
  readonly fields: readonly string[];

  constructor(fields: KubeErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.status = fields.status;
    this.reason = fields.reason;
    this.retryAfterMs = fields.retryAfterMs;
    this.fields = fields.fields ?? [];
  }

  /** True when repeating the same request may succeed: no answer, 408, 429 or 5xx. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** True when history from the asked resource version is gone, so that only a new list helps. */
  get expired(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone';
  }
}

interface KubeErrorFields {
  status: number;
  reason: string;
  message: string;
  retryAfterMs?: number | undefined;
  fields?: readonly string[];
  cause?: unknown;
}

/** The body of an unsuccessful answer, and of a watch's ERROR event (`metav1.Status`). */
export interface StatusObject {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly field?: string }[];
  };
}

/** Translates an HTTP answer of 400 and above. A body that is not a Status object becomes the message. */
export function errorFromResponse(status: number, headers: IncomingHttpHeaders, body: string, now: number): KubeError {
  const parsed = parseStatus(body);
  const retryAfterMs = retryAfter(headers['retry-after'], now);
  if (parsed !== undefined) return errorFromStatus({ ...parsed, code: status }, retryAfterMs);
  return new KubeError({ status, reason: '', message: `HTTP ${status}: ${body.slice(0, 300)}`, retryAfterMs });
}

/** Translates a Status object. `retryAfterMs` of the header wins over the body's. */
export function errorFromStatus(status: StatusObject, retryAfterMs?: number): KubeError {
  const seconds = status.details?.retryAfterSeconds;
  return new KubeError({
    status: status.code ?? 500,
    reason: status.reason ?? '',
    message: status.message ?? `HTTP ${status.code ?? 500}`,
    retryAfterMs: retryAfterMs ?? (seconds ? seconds * 1000 : undefined),
    fields: (status.details?.causes ?? []).flatMap((cause) => cause.field ?? []),
  });
}

/** Translates a fault below HTTP; the message names the server, where it is known. */
export function networkError(cause: unknown, server?: string): KubeError {
  const code = codeOf(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  // Of a host with several addresses node says the code alone; in other messages it stands already.
  const said = text === '' ? code : text.includes(code) ? text : `${code}: ${text}`;
  const reason = /TIMEOUT/i.test(code) ? 'Timeout' : 'Network';
  return new KubeError({ status: 0, reason, message: server === undefined ? said : `${server}: ${said}`, cause });
}

/** What somebody at a terminal can do about a fault of the API server, to follow its message; empty for any other error. */
export function adviceOn(error: unknown): string {
  if (!isKubeError(error)) return '';
  if (error.status === 0)
    return '; is the cluster up, and is it the one you mean? --kubeconfig and --context choose another';
  if (error.status === 401)
    return ': the API server does not accept these credentials; log in again, or choose others with --kubeconfig or --context';
  if (error.status === 403)
    return '; ask an administrator for this right (docs/commands.md has all that a command needs), or choose another user with --context';
  return '';
}

export function isKubeError(error: unknown): error is KubeError {
  return error instanceof KubeError;
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function parseStatus(body: string): StatusObject | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return parsed !== null && typeof parsed === 'object' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Retry-After is seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
