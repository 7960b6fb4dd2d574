import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cloud } from './cloud.ts';
import { controlPlane } from './control-plane.ts';
import { Ec2Fault } from './ec2-fault.ts';
import type { Answer, CallRecord, Ec2Request } from './endpoint.ts';
import { Ec2Endpoint } from './endpoint.ts';
import { FaultScript } from './faults.ts';
import { close, listen, readBody } from './http.ts';
import { attemptOf, signerOf } from './signature.ts';
import type { RateLimit } from './throttle.ts';
import { Throttle } from './throttle.ts';
import { errorXml, successXml } from './xml.ts';

export interface Ec2ServerOptions {
  readonly cloud: Cloud;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** @default 0: chosen by the system */
  readonly port?: number;
  /** @default the documented buckets, on the cloud's clock */
  readonly throttle?: RateLimit;
  /** @default none */
  readonly faults?: FaultScript;
}

export interface Ec2Server extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_EC2` and `AWS_ENDPOINT_URL_SERVICE_QUOTAS`. */
  readonly url: string;
  readonly endpoint: Ec2Endpoint;
  readonly calls: readonly CallRecord[];
  readonly faults: FaultScript;
  readonly throttle: RateLimit;
  /** Drops every connection, hanging ones included. */
  close(): Promise<void>;
}

/**
 * EC2's Query API and two actions of Service Quotas over HTTP, with a control plane for other processes under `/_sim/`.
 * The wire is that of facts §1.0: dotted keys in, XML out, the request id in the body and in a header.
 */
export async function startEc2Server(options: Ec2ServerOptions): Promise<Ec2Server> {
  const { cloud } = options;
  const throttle = options.throttle ?? new Throttle({ now: cloud.state.now });
  const faults = options.faults ?? new FaultScript();
  const endpoint = new Ec2Endpoint({ cloud, throttle, faults });
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    serve(endpoint, request, response, stopping.signal).catch((error: unknown) => fail(endpoint, response, error));
  });
  // Shorter than the client's own idle time, a keep-alive would end in connection resets that no test asked for.
  server.keepAliveTimeout = 3_600_000;
  const url = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0);
  const shutDown = () => {
    stopping.abort();
    return close(server);
  };
  return { url, endpoint, calls: endpoint.calls, faults, throttle, close: shutDown, [Symbol.asyncDispose]: shutDown };
}

async function serve(endpoint: Ec2Endpoint, request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
  const url = new URL(request.url ?? '/', 'http://ec2');
  const body = await readBody(request);
  if (url.pathname.startsWith('/_sim/')) {
    const { status, json } = controlPlane(endpoint, { method: request.method ?? 'GET', url, body });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    return;
  }
  const target = request.headers['x-amz-target'];
  const protocol = typeof target === 'string' ? quotasProtocol : queryProtocol;
  const call = readCall(request, () => protocol.read(body, url, String(target)));
  if (call instanceof Ec2Fault) {
    reply(response, protocol, '', endpoint.nextRequestId(), { kind: 'fault', fault: call });
    return;
  }
  const arrival = endpoint.arrive(call);
  if (arrival.latencyMs > 0) await sleep(arrival.latencyMs, undefined, { signal });
  reply(response, protocol, call.action, arrival.record.requestId, arrival.answer());
}

interface Protocol {
  readonly contentType: string;
  read(body: string, url: URL, target: string): Pick<Ec2Request, 'action' | 'parameters'>;
  success(action: string, requestId: string, result: object): string;
  error(fault: Ec2Fault, requestId: string): string;
}

const queryProtocol: Protocol = {
  contentType: 'text/xml;charset=UTF-8',
  read: (body, url) => {
    const {
      Action: action,
      Version: _version,
      ...parameters
    } = Object.fromEntries(new URLSearchParams(body || url.search));
    if (action === undefined) throw new Ec2Fault('MissingAction', 'The request must contain the parameter Action');
    return { action, parameters: new Map(Object.entries(parameters)) };
  },
  success: successXml,
  error: errorXml,
};

const quotasProtocol: Protocol = {
  contentType: 'application/x-amz-json-1.1',
  read: (body, _url, target) => {
    const parameters = Object.entries(JSON.parse(body || '{}') as object);
    const action = target.replace(/^ServiceQuotasV20190624\./, '');
    return { action, parameters: new Map(parameters.map(([key, value]) => [key, String(value)])) };
  },
  success: (_action, _requestId, result) => JSON.stringify(result),
  error: (fault) => JSON.stringify({ __type: fault.code, message: fault.message }),
};

function readCall(
  request: IncomingMessage,
  read: () => Pick<Ec2Request, 'action' | 'parameters'>,
): Ec2Request | Ec2Fault {
  try {
    const { accessKey } = signerOf(request.headers);
    return { ...read(), accessKey, userAgent: request.headers['user-agent'], attempt: attemptOf(request.headers) };
  } catch (error) {
    if (error instanceof Ec2Fault) return error;
    if (error instanceof SyntaxError) return new Ec2Fault('SerializationException', error.message);
    throw error;
  }
}

function reply(response: ServerResponse, protocol: Protocol, action: string, requestId: string, answer: Answer): void {
  if (answer.kind === 'hang') return;
  if (answer.kind === 'drop') {
    response.socket?.destroy();
    return;
  }
  if (answer.kind === 'foreign') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(answer.body);
    return;
  }
  const headers = { 'content-type': protocol.contentType, 'x-amzn-requestid': requestId };
  if (answer.kind === 'result')
    response.writeHead(200, headers).end(protocol.success(action, requestId, answer.result));
  else response.writeHead(answer.fault.status, headers).end(protocol.error(answer.fault, requestId));
}

/** A client that went away, our own shutdown, or a defect of the simulator: the first two need no answer. */
function fail(endpoint: Ec2Endpoint, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed || (error instanceof Error && error.name === 'AbortError')) {
    response.destroy();
    return;
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const fault = new Ec2Fault('InternalError', `simulator: ${message}`, 500);
  reply(response, queryProtocol, '', endpoint.nextRequestId(), { kind: 'fault', fault });
}
