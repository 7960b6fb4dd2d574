import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { FIRST_CA, SERVER } from './certificates.ts';

/** How a request came, as the server saw it. */
export interface Arrival {
  readonly authorization: string | undefined;
  /** Common name of the client's certificate. */
  readonly certificate: string | undefined;
  /** Name that the client expected the server to have. */
  readonly servername: string | undefined;
  /** Remote port: equal ports are one connection. */
  readonly port: number | undefined;
}

/** An API server with TLS that says how each request came, and lets in whom the test lets in. */
export interface TlsApi extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly arrivals: Arrival[];
  /** Speaks with another certificate to whoever connects from now on; ends the connections that there are. */
  present(identity: { readonly cert: string; readonly key: string }): void;
}

export interface TlsApiOptions extends Pick<ServerOptions, 'cert' | 'key'> {
  /** @default everybody */
  readonly isWelcome?: (arrival: Arrival) => boolean;
  /** For what is not the API, such as an identity provider. */
  readonly other?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function startTlsApi({ isWelcome = () => true, other, ...identity }: TlsApiOptions = {}): Promise<TlsApi> {
  const arrivals: Arrival[] = [];
  const tls = { ...SERVER, ...identity, ca: FIRST_CA, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, (request, response) => {
    if (other?.(request, response)) return;
    const socket = request.socket as TLSSocket & { servername?: string | false };
    const arrival = {
      authorization: request.headers.authorization,
      certificate: socket.getPeerCertificate().subject?.CN?.toString(),
      servername: socket.servername || undefined,
      port: socket.remotePort,
    };
    arrivals.push(arrival);
    response.writeHead(isWelcome(arrival) ? 200 : 401, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    arrivals,
    present(other) {
      server.setSecureContext({ ...other, ca: FIRST_CA });
      server.closeAllConnections();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A proxy that tunnels (CONNECT) and notes where to; `to` is the host that all names lead to, when it is not asked. */
export async function startProxy(
  to?: string,
): Promise<AsyncDisposable & { readonly url: string; readonly targets: string[] }> {
  const targets: string[] = [];
  const server = createPlainServer();
  server.on('connect', (request, client) => {
    targets.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), to ?? host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [upstream, client]) socket.on('error', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
