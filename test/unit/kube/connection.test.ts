import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKubeClient } from '../../../lib/kube/client.ts';
import { loadConnection } from '../../../lib/kube/connection.ts';
import { startScriptedApi } from './scripted-api.ts';
import { manualClock } from './time.ts';

let dir: string;
// Its index loads 2 700 files.
beforeAll(() => import('@kubernetes/client-node'), 60_000);
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kube-connection-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function kubeconfig(cluster: object, user: object = {}): Promise<string> {
  const path = join(dir, 'config');
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
    'current-context': 'x',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

describe('loadConnection', () => {
  it("reads a pod's service account, and its token again after a refusal", async () => {
    await Promise.all([
      writeFile(join(dir, 'token'), 'first\n'),
      writeFile(join(dir, 'ca.crt'), 'CA'),
      writeFile(join(dir, 'namespace'), 'kube-system'),
    ]);
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const connection = await loadConnection({ env, serviceAccountDir: dir });
    expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', namespace: 'kube-system' });
    expect(await connection.credentials()).toEqual({
      headers: { authorization: 'Bearer first' },
      tls: { ca: Buffer.from('CA') },
    });

    await writeFile(join(dir, 'token'), 'second');
    connection.renew?.();
    expect((await connection.credentials()).headers).toEqual({ authorization: 'Bearer second' });
  });

  it.each([
    ['a token', { token: 't0' }, { headers: { authorization: 'Bearer t0' } }],
    ['a name and password', { username: 'u', password: 'p' }, { headers: { authorization: 'Basic dTpw' } }],
    [
      'a certificate',
      { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' },
      { tls: { cert: Buffer.from('CERT'), key: Buffer.from('KEY') } },
    ],
    [
      'an exec plugin',
      { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: ['{"status":{"token":"e0"}}'] } },
      { headers: { authorization: 'Bearer e0' } },
    ],
  ])('reads a kubeconfig with %s', async (_name, user, expected) => {
    const path = await kubeconfig({ server: 'http://127.0.0.1:1/' }, user);
    const connection = await loadConnection({ kubeconfig: path, env: {} });

    expect(connection).toMatchObject({ server: 'http://127.0.0.1:1', namespace: 'apps' });
    expect(await connection.credentials()).toMatchObject(expected);
  });

  it('lets KUBECONFIG win over the service account', async () => {
    const path = await kubeconfig({ server: 'https://api:6443', 'insecure-skip-tls-verify': true });
    const connection = await loadConnection({
      env: { KUBECONFIG: path, KUBERNETES_SERVICE_HOST: 'x' },
      serviceAccountDir: dir,
    });
    expect(connection.server).toBe('https://api:6443');
    expect((await connection.credentials()).tls).toEqual({ rejectUnauthorized: false });
  });

  it.each([
    ['plain http to another machine', { server: 'http://10.0.0.1:80' }, /insecure-skip-tls-verify/],
    ['a cluster without a server', {}, /no current cluster/],
  ])('refuses %s', async (_name, cluster, message) => {
    await expect(loadConnection({ kubeconfig: await kubeconfig(cluster), env: {} })).rejects.toThrow(message);
  });

  it('says what to give when there is no cluster to be found', async () => {
    await expect(loadConnection({ env: { HOME: dir }, serviceAccountDir: dir })).rejects.toThrow(
      /--kubeconfig or KUBECONFIG/,
    );
  });

  it('names a kubeconfig that is not there or not YAML, on one line', async () => {
    const kubeconfig = join(dir, 'config');
    await expect(loadConnection({ kubeconfig, env: {} })).rejects.toThrow(
      new RegExp(
        `^kubeconfig ${kubeconfig} cannot be read \\(ENOENT: no such file or directory\\); name another with --kubeconfig or KUBECONFIG$`,
      ),
    );
    await writeFile(kubeconfig, 'clusters: [');
    await expect(loadConnection({ kubeconfig, env: {} })).rejects.toThrow(
      new RegExp(`^kubeconfig ${kubeconfig} is not YAML: .+$`),
    );
  });
});

describe('createKubeClient', () => {
  it('keeps one connection for requests in a row, and says when the credentials were refused', async () => {
    let status = 200;
    const api = await startScriptedApi(() => ({ status }));
    const clock = manualClock();
    let token = 1;
    const connection = {
      server: api.url,
      namespace: undefined,
      credentials: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }),
      renew: () => void (token += 1),
    };
    const client = createKubeClient({ connection, clock });
    const get = () => client.request({ method: 'GET', path: '/x' });
    await get();
    await get();
    status = 401;
    await expect(get()).rejects.toMatchObject({ status: 401 });
    status = 200;
    await get();

    expect(api.calls.map((call) => call.headers.authorization)).toEqual([1, 1, 1, 2].map((n) => `Bearer ${n}`));
    expect(new Set(api.calls.map((call) => call.port)).size).toBe(1);
    await client.close();
    await api.close();
  });

  it('gives up after the timeout, and at once when aborted', async () => {
    const api = await startScriptedApi(() => () => {});
    const clock = manualClock();
    const client = api.client(clock);
    const late = client.request({ method: 'GET', path: '/x', timeoutMs: 5_000 });
    const [outcome] = await Promise.all([Promise.allSettled([late]), clock.advance(5_000)]);
    expect(outcome).toMatchObject([{ reason: { name: 'KubeError', reason: 'Timeout', transient: true } }]);

    const abort = new AbortController();
    const aborted = client.request({ method: 'GET', path: '/x', signal: abort.signal });
    abort.abort(new Error('stopping'));
    await expect(aborted).rejects.toThrow('stopping');
    await api.close();
  });

  it('tells a server that is not there as a transient error', async () => {
    const api = await startScriptedApi(() => ({}));
    const client = api.client(manualClock());
    await api.close();
    const other = createKubeClient({
      connection: { server: api.url, namespace: undefined, credentials: async () => ({ headers: {}, tls: {} }) },
      clock: manualClock(),
    });
    await expect(other.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      status: 0,
      reason: 'Network',
      transient: true,
      message: `${api.url}: connect ECONNREFUSED ${new URL(api.url).host}`,
    });
    await Promise.all([client.close(), other.close()]);
  });
});
