import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Ec2Call, Ec2Connection } from '../../../lib/ec2/calls.ts';
import { openEc2Client } from '../../../lib/ec2/client.ts';

/** What a bare HTTP server answers: a body (with status 200), or something worse. See {@link DROP} and {@link HANG}. */
export type WireAnswer = string | WireReply | typeof DROP | typeof HANG | typeof STALL;

export interface WireReply {
  readonly status: number;
  readonly body: string;
}

/** Hangs up instead of answering. */
export const DROP = Symbol('drop');
/** Never answers. */
export const HANG = Symbol('hang');
/** Begins an answer and never ends it. */
export const STALL = Symbol('stall');

export interface Wire extends AsyncDisposable {
  readonly url: string;
  /** Decoded parameters of each request, in order of arrival. */
  readonly requests: Record<string, string>[];
  readonly headers: IncomingMessage['headers'][];
}

/** A server that speaks just enough HTTP to show the adapter one quirk of the wire at a time. */
export async function startWire(
  answer: (request: Record<string, string>) => WireAnswer | Promise<WireAnswer>,
): Promise<Wire> {
  const requests: Wire['requests'] = [];
  const headers: Wire['headers'] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const parameters = Object.fromEntries(new URLSearchParams(await text(request)));
    requests.push(parameters);
    headers.push(request.headers);
    reply(response, await answer(parameters));
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function reply(response: ServerResponse, answer: WireAnswer): void {
  if (answer === HANG) return;
  if (answer === STALL) {
    response.writeHead(200, { 'content-type': 'text/xml' }).write('<AssignPrivateIpAddressesResponse>');
    return;
  }
  if (answer === DROP) {
    response.socket?.destroy();
    return;
  }
  const { status, body } = typeof answer === 'string' ? { status: 200, body: answer } : answer;
  response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': 'req-1' }).end(body);
}

export function ok(action: string, members = ''): string {
  return `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>${members}</${action}Response>`;
}

export function refused(code: string, message: string, status = 400): WireReply {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body: `<Response><Errors>${error}</Errors><RequestID>r</RequestID></Response>` };
}

/** A connection to the wire, with the calls it reported. The SDK takes endpoint and credentials from the environment. */
export function connectTo(url: string, requestTimeoutMs = 2_000): Ec2Connection & { readonly calls: Ec2Call[] } {
  process.env['AWS_ENDPOINT_URL_EC2'] = url;
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const calls: Ec2Call[] = [];
  const client = openEc2Client({ region: 'eu-test-1', version: '0.0.0', requestTimeoutMs });
  return { client, now: () => performance.now(), onCall: (call) => calls.push(call), calls };
}

export const never = new AbortController().signal;
