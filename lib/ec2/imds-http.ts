import { Agent, type ClientRequestArgs, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** Instance metadata that cannot be had. A missing item is not an error: readers give undefined for it. */
export class ImdsError extends Error {
  override readonly name = 'ImdsError';
  /** HTTP status; undefined when nothing answered. 403: metadata is switched off for this instance. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

export interface ImdsReaderOptions {
  /** See `imdsEndpoint`. */
  readonly endpoint: string;
  /** Permits requests without a token where the token service is closed (IMDSv1). */
  readonly allowV1: boolean;
  /** Time, ms; its zero does not matter. */
  readonly now: () => number;
  /**
   * Longest wait for one answer, ms: the service is on the same machine.
   * @default 1000
   */
  readonly timeoutMs?: number;
}

/** Reads one item; undefined when it does not exist (404). @throws {ImdsError} */
export type ImdsReader = (path: string, signal: AbortSignal) => Promise<string | undefined>;

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly ttlSeconds: number;
}

const TOKEN_TTL_SECONDS = 21_600;
/** A token is renewed a little early, so that it does not end on its way. */
const RENEW_BEFORE_MS = 30_000;
/** How long IMDSv1 is used before a token is tried again. */
const TOKENLESS_MS = 60_000;

/**
 * IMDSv2 with one token for all requests until it ends; a token that is refused all the same (the instance was stopped and
 * started, say) is replaced once. Uses Node's plain HTTP client: `fetch` would cost some MB.
 */
export function imdsReader(options: ImdsReaderOptions): ImdsReader {
  // Few at once: all link-local services of an ENI share 1024 packets/s.
  const agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1 });
  const send = (path: string, args: ClientRequestArgs, signal: AbortSignal) =>
    exchange(new URL(path, options.endpoint), { agent, ...args }, options.timeoutMs ?? 1_000, signal);
  let token: { readonly value: string; readonly until: number } | undefined;
  let fetching: Promise<string> | undefined;
  let tokenlessUntil = Number.NEGATIVE_INFINITY;

  async function fetchToken(signal: AbortSignal): Promise<string> {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_TTL_SECONDS };
    const reply = await send('/latest/api/token', { method: 'PUT', headers }, signal);
    if (reply.status !== 200)
      throw new ImdsError(`instance metadata refuses a token: HTTP ${reply.status}`, reply.status);
    token = { value: reply.body, until: options.now() + reply.ttlSeconds * 1000 - RENEW_BEFORE_MS };
    return reply.body;
  }

  async function currentToken(signal: AbortSignal): Promise<string | undefined> {
    if (token !== undefined && options.now() < token.until) return token.value;
    if (options.now() < tokenlessUntil) return undefined;
    try {
      // Requests that start together share one token request.
      fetching ??= fetchToken(signal).finally(() => {
        fetching = undefined;
      });
      return await fetching;
    } catch (error) {
      if (!options.allowV1 || signal.aborted) throw error;
      tokenlessUntil = options.now() + TOKENLESS_MS;
      return undefined;
    }
  }

  async function readWith(used: string | undefined, path: string, signal: AbortSignal): Promise<Reply> {
    return send(path, used === undefined ? {} : { headers: { 'x-aws-ec2-metadata-token': used } }, signal);
  }

  return async (path, signal) => {
    const used = await currentToken(signal);
    let reply = await readWith(used, path, signal);
    if (reply.status === 401) {
      // Others may have replaced the refused token meanwhile.
      if (token?.value === used) token = undefined;
      tokenlessUntil = Number.NEGATIVE_INFINITY;
      reply = await readWith(await currentToken(signal), path, signal);
    }
    if (reply.status === 404) return undefined;
    if (reply.status !== 200) throw new ImdsError(`instance metadata ${path}: HTTP ${reply.status}`, reply.status);
    return reply.body;
  };
}

/** One request, its answer read to the end. @throws {ImdsError} when there is none in time, or the signal aborts. */
async function exchange(url: URL, args: ClientRequestArgs, timeoutMs: number, signal: AbortSignal): Promise<Reply> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const sending = request(url, { ...args, signal: deadline }, (response) => {
        const ttlSeconds = Number(response.headers['x-aws-ec2-metadata-token-ttl-seconds'] ?? TOKEN_TTL_SECONDS);
        const status = response.statusCode ?? 0;
        text(response).then((body) => resolve({ status, body, ttlSeconds }), reject);
      });
      sending.once('error', reject).end();
    });
  } catch (cause) {
    // The usual reason for silence: a hop limit of 1 and a pod that is not on the host's network.
    const why = !signal.aborted && deadline.aborted ? `no answer within ${timeoutMs} ms (hop limit?)` : String(cause);
    throw new ImdsError(`instance metadata ${url.pathname}: ${why}`, undefined, cause);
  }
}

/**
 * Where instance metadata is, by the environment variables that every AWS SDK honours; undefined when they switch it off.
 */
export function imdsEndpoint(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  if (environment['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return undefined;
  const endpoint = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
  if (endpoint) return endpoint;
  const ipv6 = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE']?.toLowerCase() === 'ipv6';
  return ipv6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
}
