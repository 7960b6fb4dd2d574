import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpEndpoints } from '../../../agent/http.ts';
import { serveHttp } from '../../../agent/http.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
let controller = new AbortController();

afterEach(() => {
  controller.abort();
  controller = new AbortController();
});

async function serving(overrides: Partial<HttpEndpoints> = {}) {
  const endpoints: HttpEndpoints = {
    healthFaults: () => [],
    readyFaults: () => [],
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    ...overrides,
  };
  const server = await serveHttp([LOOPBACK], endpoints, controller.signal);
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.addresses[0]?.port}${path}`, { method });
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
  };
  return { server, get };
}

describe('serveHttp', () => {
  it('answers /v1/snapshot with what the process knows now, and with 404 where that is switched off', async () => {
    let known = 1;
    const { get } = await serving({ snapshot: () => ({ known }) });
    const off = await serving();

    expect(await get('/v1/snapshot')).toEqual({ status: 200, type: 'application/json', body: '{"known":1}\n' });
    known = 2;
    expect(await get('/v1/snapshot')).toMatchObject({ body: '{"known":2}\n' });
    expect(await get('/v1/snapshot', 'POST')).toMatchObject({ status: 405 });
    expect(await off.get('/v1/snapshot')).toMatchObject({ status: 404 });
  });

  it.each([
    ['/healthz', 200, '{"ok":true}\n'],
    ['/readyz?verbose', 200, '{"ok":true}\n'],
    ['/metrics', 200, 'up 1\n'],
    ['/', 404, '{"ok":false,"reasons":["try /healthz, /readyz or /metrics"]}\n'],
  ])('answers %s with %i', async (path, status, body) => {
    const { get } = await serving();

    expect(await get(path)).toMatchObject({ status, body });
  });

  it('says why it is not ready, and stays healthy meanwhile', async () => {
    const { get } = await serving({ readyFaults: () => ['pods are not listed yet', 'EC2 has not been described'] });

    expect(await get('/readyz')).toEqual({
      status: 503,
      type: 'application/json',
      body: '{"ok":false,"reasons":["pods are not listed yet","EC2 has not been described"]}\n',
    });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  it('turns the fault of an endpoint into an answer', async () => {
    const { get } = await serving({ metrics: () => Promise.reject(new Error('registry is broken')) });

    expect(await get('/metrics')).toMatchObject({
      status: 500,
      body: '{"ok":false,"reasons":["registry is broken"]}\n',
    });
  });

  it('answers HEAD without a body and refuses to be written to', async () => {
    const { get } = await serving();

    expect(await get('/healthz', 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(await get('/healthz', 'POST')).toMatchObject({ status: 405 });
  });

  it('closes on the signal, also with a kept-alive connection open', async () => {
    const { server, get } = await serving();
    await get('/healthz');

    controller.abort();

    await server.closed;
    await expect(get('/healthz')).rejects.toThrow('fetch failed');
  });

  it('answers on every address that it is given, and nowhere when one of them is off', async () => {
    const endpoints = { healthFaults: () => [] } as unknown as HttpEndpoints;
    const both = await serveHttp([LOOPBACK, { host: '127.0.0.2', port: 0 }], endpoints, controller.signal);
    const none = await serveHttp([LOOPBACK, 'off'], endpoints, controller.signal);

    expect(both.addresses.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.2']);
    for (const { host, port } of both.addresses)
      expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200);
    expect(none.addresses).toEqual([]);
    controller.abort();
    await both.closed;
  });

  it('rejects when somebody else listens there', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;

    await expect(
      serveHttp([{ host: '127.0.0.1', port }], {} as HttpEndpoints, controller.signal),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    other.close();
  });
});
