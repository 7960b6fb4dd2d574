import type { IncomingMessage } from 'node:http';
import { isRecord, type Manifest } from './object.ts';
import { badRequest, unsupportedMediaType } from './status.ts';

/** One request, read to its end. */
export interface KubeRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string | undefined;
  /** What the client would like to read. */
  accept?: string | undefined;
  /** Undefined when there is none. */
  body: string | undefined;
}

/** A line of the record of requests; `code` is 0 while the answer has not begun. */
export interface RequestRecord {
  /** Wall clock, ms since the epoch. */
  at: number;
  method: string;
  path: string;
  query: Record<string, string>;
  userAgent: string;
  code: number;
}

export async function readRequest(message: IncomingMessage): Promise<KubeRequest> {
  const url = new URL(message.url ?? '/', 'http://simulator');
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const body = chunks.length > 0 ? Buffer.concat(chunks).toString() : undefined;
  const { method = 'GET', headers } = message;
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    contentType: headers['content-type'],
    accept: headers.accept,
    body,
  };
}

/** The body as JSON (every YAML body our clients send is JSON); throws 400, or 415 for protobuf. */
export function jsonBody({ body = '', contentType = '' }: KubeRequest): unknown {
  if (contentType.includes('protobuf')) throw unsupportedMediaType();
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

export function manifestBody(request: KubeRequest): Manifest {
  const body = jsonBody(request);
  if (!isRecord(body)) throw badRequest('the body is not an object');
  return body;
}
