import type { ServerResponse } from 'node:http';
import { builtIn } from './kubelet.ts';
import { valueAt } from './object.ts';
import type { KubeRequest } from './request.ts';
import type { Served } from './routes.ts';
import { ApiError } from './status.ts';

const PATH = /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/pods\/(?<name>[^/:]+):(?<port>\d+)\/proxy(?<rest>\/.*)?$/;

/**
 * Passes a request on to a port of a pod, as a real server does for `pods/proxy`. Unlike a real one it follows a loopback address, on
 * which simulated agents listen. False when the path is another one.
 */
export async function proxyToPod({ api }: Served, request: KubeRequest, response: ServerResponse): Promise<boolean> {
  const target = PATH.exec(request.path)?.groups;
  if (target === undefined) return false;
  const { namespace = '', name = '', port = '', rest = '/' } = target;
  const ip = valueAt(api.get(builtIn('pods'), namespace, name), 'status.podIP');
  if (typeof ip !== 'string') throw unavailable('address not allowed');
  const query = request.query.size === 0 ? '' : `?${request.query.toString()}`;
  const url = `http://${ip}:${port}${rest}${query}`;
  const answer = await fetch(url, { method: request.method }).catch(() => {
    throw unavailable(`error trying to reach service: dial tcp ${ip}:${port}: connect: connection refused`);
  });
  const body = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }).end(body);
  return true;
}

function unavailable(message: string): ApiError {
  return new ApiError(503, 'ServiceUnavailable', message);
}
