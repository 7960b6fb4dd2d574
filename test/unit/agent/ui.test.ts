import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveUi } from '../../../agent/ui/serve.ts';
import { KubeError } from '../../../lib/kube/kube-error.ts';
import type { ClusterStatus } from '../../../lib/model/status/cluster-status.ts';

const STATUS = { schema: 'eni-agent.io/status/v1' } as ClusterStatus;

async function open(look: () => Promise<ClusterStatus> = () => Promise.resolve(STATUS)) {
  let [now, looks] = [0, 0];
  const ui = await serveUi({
    port: 0,
    maxAgeMs: 1_000,
    now: () => now,
    look: () => {
      looks += 1;
      return look();
    },
  });
  onTestFinished(() => ui.close());
  const ask = (path: string, host = new URL(ui.url).host, method = 'GET') =>
    new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      request(new URL(path, ui.url), { method, headers: { host } }, (response) => {
        void text(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, body }));
      })
        .on('error', reject)
        .end();
    });
  return { ui, ask, looks: () => looks, pass: (ms: number) => (now += ms) };
}

describe('the page', () => {
  it('is served on loopback only, with a policy that lets it reach no other origin', async () => {
    const { ui, ask } = await open();
    expect(ui.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { status, headers, body } = await ask('/');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(body).toContain('<script src="page.js">');
    expect((await ask('/page.js')).headers['content-type']).toContain('javascript');
  });

  it('does not start without its files, and says what to copy', async () => {
    const folder = new URL('file:///nowhere/');
    const options = { port: 0, maxAgeMs: 0, now: () => 0, look: () => Promise.resolve(STATUS), folder };
    await expect(serveUi(options)).rejects.toThrow('/nowhere/page.html is missing; copy page.html and page.js');
  });

  it('names the port that another program has, and the option for another one', async () => {
    const { ui } = await open();
    const port = Number(new URL(ui.url).port);
    const second = serveUi({ port, maxAgeMs: 0, now: () => 0, look: () => Promise.resolve(STATUS) });
    await expect(second).rejects.toThrow(`port ${port} is taken; give another with --port, 0 for any free one`);
  });

  it('says what to do where the API server refuses', async () => {
    const { ask } = await open(() =>
      Promise.reject(new KubeError({ status: 401, reason: '', message: 'Unauthorized' })),
    );
    expect((await ask('/api/status')).body).toContain(
      'Unauthorized: the API server does not accept these credentials;',
    );
  });

  it('answers several pages with one look, and looks again when that is old', async () => {
    const { ask, looks, pass } = await open();
    const [first] = await Promise.all([ask('/api/status'), ask('/api/status')]);
    expect(JSON.parse(first?.body ?? '')).toEqual(STATUS);
    expect(looks()).toBe(1);
    pass(1_001);
    await ask('/api/status');
    expect(looks()).toBe(2);
  });

  it('says why the cluster cannot be read, and tries again', async () => {
    const { ask, looks } = await open(() => Promise.reject(new Error('connection refused')));
    expect(await ask('/api/status')).toMatchObject({ status: 502, body: '{"error":"connection refused"}' });
    await ask('/api/status');
    expect(looks()).toBe(2);
  });

  it.each([
    ['a name that resolves to this machine', '/api/status', 'rebound.example:80', 'GET', 421],
    ['a write', '/api/status', undefined, 'POST', 405],
    ['another path', '/../package.json', undefined, 'GET', 404],
  ] as const)('refuses %s', async (_, path, host, method, code) => {
    const { ask } = await open();
    expect((await ask(path, host, method)).status).toBe(code);
  });
});
