import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKubeClient, type KubeClient } from '../../../lib/kube/client.ts';
import { type ConnectionOptions, loadConnection } from '../../../lib/kube/connection.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { CLIENT, FIRST_CA, NAMED_SERVER, RENEWED_CLIENT, SECOND_CA, SECOND_SERVER } from './certificates.ts';
import { startProxy, startTlsApi, type TlsApi, type TlsApiOptions } from './tls-api.ts';

let folder: string;
const open: (() => unknown)[] = [];
// Its index loads 2 700 files.
beforeAll(() => import('@kubernetes/client-node'), 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'authentication-'));
});
afterEach(async () => {
  vi.useRealTimers();
  for (const close of open.splice(0).toReversed()) await close();
  rmSync(folder, { recursive: true });
});

async function serve(options: TlsApiOptions = {}): Promise<TlsApi> {
  const api = await startTlsApi(options);
  open.push(() => api[Symbol.asyncDispose]());
  return api;
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** One cluster, user and context, as a tool would write them. */
function kubeconfig(cluster: object, user: object): string {
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  return file('config', JSON.stringify(config));
}

async function clientOf(options: ConnectionOptions): Promise<KubeClient> {
  const client = createKubeClient({ connection: await loadConnection(options), clock: systemClock() });
  open.push(() => client.close());
  return client;
}

function withUser(api: TlsApi, user: object, cluster: object = {}): Promise<KubeClient> {
  const trusted = { server: api.url, 'certificate-authority-data': base64(FIRST_CA), ...cluster };
  return clientOf({ kubeconfig: kubeconfig(trusted, user), env: {} });
}

function get(client: KubeClient): Promise<unknown> {
  return client.request({ method: 'GET', path: '/version' });
}

/** An exec plugin that counts its runs in a file and prints what the script says; `run` is the number of this run. */
function plugin(status: string) {
  const script = file(
    'plugin.mjs',
    `import { readFileSync, writeFileSync } from 'node:fs';
const counter = ${JSON.stringify(join(folder, 'runs'))};
let run = 1;
try { run = Number(readFileSync(counter, 'utf8')) + 1; } catch {}
writeFileSync(counter, String(run));
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status: ${status} }));`,
  );
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [script] };
  return { exec, runs: () => Number(readFileSync(join(folder, 'runs'), 'utf8')) };
}

describe('a client certificate', () => {
  it.each([
    ['as data', () => ({ 'client-certificate-data': base64(CLIENT.cert), 'client-key-data': base64(CLIENT.key) })],
    [
      'in files beside the kubeconfig',
      () => {
        file('client.crt', CLIENT.cert);
        file('client.key', CLIENT.key);
        return { 'client-certificate': 'client.crt', 'client-key': 'client.key' };
      },
    ],
  ])('%s is shown to the server', async (_name, user) => {
    const api = await serve();
    await get(await withUser(api, user()));

    expect(api.arrivals).toMatchObject([{ certificate: 'eni-agent', authorization: undefined }]);
  });

  it('that was replaced is shown in new connections', async () => {
    const api = await serve();
    const user = {
      'client-certificate': file('client.crt', CLIENT.cert),
      'client-key': file('client.key', CLIENT.key),
    };
    const client = await withUser(api, user);
    await get(client);
    file('client.crt', RENEWED_CLIENT.cert);
    file('client.key', RENEWED_CLIENT.key);
    await get(client);

    expect(api.arrivals.map(({ certificate }) => certificate)).toEqual(['eni-agent', 'eni-agent-renewed']);
  });
});

describe('a token', () => {
  it('in the kubeconfig is sent, and read again from there after a 401', async () => {
    let valid = 'Bearer one';
    const api = await serve({ isWelcome: ({ authorization }) => authorization === valid });
    const client = await withUser(api, { token: 'one' });
    await get(client);
    valid = 'Bearer two';
    await expect(get(client)).rejects.toMatchObject({ status: 401 });
    kubeconfig({ server: api.url, 'certificate-authority-data': base64(FIRST_CA) }, { token: 'two' });
    await get(client);

    expect(api.arrivals.map(({ authorization }) => authorization)).toEqual(
      ['one', 'one', 'two'].map((t) => `Bearer ${t}`),
    );
  });

  it.each([
    ['after a minute', 61_000, [200, 200]],
    ['at once after a 401', 0, [200, 401, 200]],
  ])('in a file that was replaced is read again %s', async (_name, laterMs, expected) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let valid = 'Bearer one';
    const api = await serve({ isWelcome: ({ authorization }) => authorization === valid });
    file('token', 'one\n');
    const client = await withUser(api, { tokenFile: 'token', token: 'outdated' });
    const status = () =>
      get(client).then(
        () => 200,
        (error: { status: number }) => error.status,
      );
    const statuses = [await status()];
    valid = 'Bearer two';
    file('token', 'two\n');
    vi.setSystemTime(Date.now() + laterMs);
    for (let tries = 0; statuses.at(-1) !== 200 || tries === 0; tries += 1) statuses.push(await status());

    expect(statuses).toEqual(expected);
  });

  it('of a name and password is theirs', async () => {
    const api = await serve();
    await get(await withUser(api, { username: 'u', password: 'p' }));

    expect(api.arrivals).toMatchObject([{ authorization: `Basic ${base64('u:p')}` }]);
  });
});

describe('an exec plugin', () => {
  it('is run once for all requests until its token expires, and then again', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await serve();
    const expiry = new Date(Date.now() + 60_000).toISOString();
    const { exec, runs } = plugin(`{ token: 'run-' + run, expirationTimestamp: run === 1 ? '${expiry}' : undefined }`);
    const client = await withUser(api, { exec });
    await Promise.all([get(client), get(client), get(client)]);
    await get(client);
    expect(runs()).toBe(1);
    vi.setSystemTime(Date.now() + 60_000);
    await get(client);

    expect(runs()).toBe(2);
    expect(api.arrivals.at(-1)?.authorization).toBe('Bearer run-2');
  });

  it('is run again after a 401', async () => {
    const api = await serve({ isWelcome: ({ authorization }) => authorization === 'Bearer run-2' });
    const client = await withUser(api, { exec: plugin(`{ token: 'run-' + run }`).exec });
    await expect(get(client)).rejects.toMatchObject({ status: 401 });
    await get(client);

    expect(api.arrivals.map(({ authorization }) => authorization)).toEqual(['Bearer run-1', 'Bearer run-2']);
  });

  it('gives a client certificate, and is told the cluster where it asks for it', async () => {
    const api = await serve();
    const status = `{ clientCertificateData: ${JSON.stringify(CLIENT.cert)}, clientKeyData: ${JSON.stringify(CLIENT.key)}, token: info.spec.cluster.server }`;
    const { exec } = plugin(status);
    await get(await withUser(api, { exec: { ...exec, provideClusterInfo: true } }));

    expect(api.arrivals).toMatchObject([{ certificate: 'eni-agent', authorization: `Bearer ${api.url}` }]);
  });

  it.each([
    ['fails', { command: 'false' }],
    ['prints no credentials', { command: 'echo', args: ['{}'] }],
    ['is not installed', { command: '/nowhere/plugin' }],
  ])('that %s is named with its hint, and run again for the next request', async (_name, broken) => {
    const api = await serve();
    const cluster = { server: api.url, 'certificate-authority-data': base64(FIRST_CA) };
    const client = await withUser(api, { exec: { ...broken, installHint: 'install the AWS CLI' } });
    await expect(get(client)).rejects.toThrow(/exec plugin .* gave no credentials \(install the AWS CLI\)/);
    await expect(get(client)).rejects.toThrow(/exec plugin .* gave no credentials/);
    kubeconfig(cluster, { exec: plugin(`{ token: 'repaired' }`).exec });
    await get(client);

    expect(api.arrivals).toMatchObject([{ authorization: 'Bearer repaired' }]);
  });
});

describe('OIDC', () => {
  /** A JSON Web Token whose signature nobody checks. */
  const jwt = (name: string, expiresInS: number) =>
    [{ alg: 'none' }, { name, exp: Math.floor(Date.now() / 1000) + expiresInS }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .concat('signature')
      .join('.');

  /** API server and identity provider in one. */
  async function startIssuer() {
    const refreshes: string[] = [];
    let isWelcome: NonNullable<TlsApiOptions['isWelcome']> = () => true;
    const issued: string[] = [];
    const api: TlsApi = await serve({
      isWelcome: (arrival) => isWelcome(arrival),
      other: (request, response) => {
        const send = (body: object) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
        if (request.url === '/.well-known/openid-configuration')
          send({ issuer: api.url, token_endpoint: `${api.url}/token`, authorization_endpoint: `${api.url}/auth` });
        else if (request.url === '/token') {
          void text(request).then((body) => {
            refreshes.push(new URLSearchParams(body).get('refresh_token') ?? '');
            const claims = { iss: api.url, aud: 'eni-agent', sub: 'u', iat: Math.floor(Date.now() / 1000) };
            const token = jwtWith({ ...claims, exp: claims.iat + 3_600, n: refreshes.length });
            issued.push(token);
            const refresh_token = `refresh-${refreshes.length + 1}`;
            send({ access_token: 'a', token_type: 'bearer', expires_in: 3_600, id_token: token, refresh_token });
          });
        } else return false;
        return true;
      },
    });
    const user = (idToken: string) => ({
      'auth-provider': {
        name: 'oidc',
        config: {
          'client-id': 'eni-agent',
          'id-token': idToken,
          'refresh-token': 'refresh-1',
          'idp-issuer-url': api.url,
          'idp-certificate-authority': file('idp.crt', FIRST_CA),
        },
      },
    });
    return { api, user, refreshes, issued, welcome: (rule: typeof isWelcome) => void (isWelcome = rule) };
  }

  function jwtWith(claims: object): string {
    const header = { alg: 'RS256' };
    return [...[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), 'c2ln'].join(
      '.',
    );
  }

  it('sends the id token while it is valid', async () => {
    const { api, user, refreshes } = await startIssuer();
    const token = jwt('u', 600);
    await get(await withUser(api, user(token)));

    expect(api.arrivals).toMatchObject([{ authorization: `Bearer ${token}` }]);
    expect(refreshes).toEqual([]);
  });

  it('refreshes an id token that has expired once, and again when the next one expires or is refused', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { api, user, refreshes, issued, welcome } = await startIssuer();
    const client = await withUser(api, user(jwt('u', -60)));
    await Promise.all([get(client), get(client)]);
    await get(client);
    expect(refreshes).toEqual(['refresh-1']);
    vi.setSystemTime(Date.now() + 3_601_000);
    await get(client);
    expect(refreshes).toEqual(['refresh-1', 'refresh-2']);
    welcome(({ authorization }) => authorization === `Bearer ${issued[2]}`);
    await expect(get(client)).rejects.toMatchObject({ status: 401 });
    await get(client);

    expect(refreshes).toEqual(['refresh-1', 'refresh-2', 'refresh-3']);
  });
});

describe('a service account', () => {
  it('is used in a pod; its token is read again within a minute, its CA with the next request', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await serve({ isWelcome: ({ authorization }) => authorization === `Bearer ${valid}` });
    let valid = 'one';
    file('token', 'one');
    file('ca.crt', FIRST_CA);
    file('namespace', 'kube-system\n');
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) };
    const client = await clientOf({ env, serviceAccountDir: folder });
    await get(client);
    valid = 'two';
    file('token', 'two');
    vi.setSystemTime(Date.now() + 61_000);
    await get(client);

    api.present(SECOND_SERVER);
    await expect(get(client)).rejects.toMatchObject({ status: 0 });
    file('ca.crt', SECOND_CA);
    await get(client);

    expect(api.arrivals.map(({ authorization }) => authorization)).toEqual(
      ['one', 'two', 'two'].map((t) => `Bearer ${t}`),
    );
  });
});

describe('the server', () => {
  it('is known by a CA in a file beside the kubeconfig, and kept connected', async () => {
    const api = await serve();
    mkdirSync(join(folder, 'pki'));
    file('pki/ca.crt', FIRST_CA);
    const cluster = { server: api.url, 'certificate-authority': 'pki/ca.crt' };
    const client = await clientOf({ kubeconfig: kubeconfig(cluster, { token: 't' }), env: {} });
    await get(client);
    await get(client);

    expect(new Set(api.arrivals.map(({ port }) => port)).size).toBe(1);
  });

  it('is not spoken to when another CA has signed it', async () => {
    const api = await serve(SECOND_SERVER);

    await expect(get(await withUser(api, { token: 't' }))).rejects.toMatchObject({ status: 0, reason: 'Network' });
    expect(api.arrivals).toEqual([]);
  });

  it('may be known by another name (tls-server-name)', async () => {
    const api = await serve(NAMED_SERVER);
    await expect(get(await withUser(api, { token: 't' }))).rejects.toThrow(/altnames/i);
    await get(await withUser(api, { token: 't' }, { 'tls-server-name': 'kubernetes' }));

    expect(api.arrivals).toMatchObject([{ servername: 'kubernetes' }]);
  });

  it('may be unknown where the kubeconfig permits it (insecure-skip-tls-verify)', async () => {
    const api = await serve(SECOND_SERVER);
    const cluster = { server: api.url, 'insecure-skip-tls-verify': true };
    await get(await clientOf({ kubeconfig: kubeconfig(cluster, { token: 't' }), env: {} }));

    expect(api.arrivals).toMatchObject([{ authorization: 'Bearer t' }]);
  });

  it('without any user is asked without credentials', async () => {
    const api = await serve();
    const trusted = { server: api.url, 'certificate-authority-data': base64(FIRST_CA) };
    const path = kubeconfig(trusted, {});
    writeFileSync(path, readFileSync(path, 'utf8').replace('"user":"u"', '"user":"nobody"'));
    await get(await clientOf({ kubeconfig: path, env: {} }));

    expect(api.arrivals).toMatchObject([{ authorization: undefined, certificate: undefined }]);
  });
});

describe('a proxy', () => {
  it('of the kubeconfig is gone through, with client certificate and CA', async () => {
    const [api, proxy] = [await serve(), await startProxy()];
    open.push(() => proxy[Symbol.asyncDispose]());
    const user = { 'client-certificate-data': base64(CLIENT.cert), 'client-key-data': base64(CLIENT.key) };
    const client = await withUser(api, user, { 'proxy-url': proxy.url });
    await get(client);
    await get(client);

    expect(proxy.targets[0]).toBe(`127.0.0.1:${api.port}`);
    expect(api.arrivals).toMatchObject([{ certificate: 'eni-agent' }, { certificate: 'eni-agent' }]);
  });

  it('of the environment is gone through, unless NO_PROXY says otherwise', async () => {
    const [api, proxy] = [await serve(), await startProxy('127.0.0.1')];
    open.push(() => proxy[Symbol.asyncDispose]());
    // Not 127.0.0.1 nor localhost, for which no proxy is ever used.
    const server = `https://api.invalid:${api.port}`;
    const cluster = { server, 'certificate-authority-data': base64(FIRST_CA), 'tls-server-name': 'kubernetes' };
    const path = kubeconfig(cluster, { token: 't' });
    await get(await clientOf({ kubeconfig: path, env: { HTTPS_PROXY: proxy.url } }));
    expect(api.arrivals).toMatchObject([{ servername: 'kubernetes', authorization: 'Bearer t' }]);
    expect(proxy.targets).toEqual([`api.invalid:${api.port}`]);
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: '.invalid' };
    await expect(get(await clientOf({ kubeconfig: path, env }))).rejects.toMatchObject({ status: 0 });

    expect(proxy.targets).toHaveLength(1);
  });
});

describe('several kubeconfigs', () => {
  it('are merged: of what several name, the first counts', async () => {
    const api = await serve();
    const cluster = { name: 'c', cluster: { server: api.url, 'certificate-authority-data': base64(FIRST_CA) } };
    const first = file('1', JSON.stringify({ clusters: [cluster], 'current-context': 'x' }));
    const second = file(
      '2',
      `clusters: [{name: c, cluster: {server: "https://second"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: apps}}, {name: z, context: {cluster: c}}]
current-context: z
`,
    );
    const env = { KUBECONFIG: `${first}:${second}` };
    const connection = await loadConnection({ env });
    await get(await clientOf({ env }));

    expect(connection).toMatchObject({ server: api.url, namespace: 'apps' });
    expect(api.arrivals).toMatchObject([{ authorization: 'Bearer t' }]);
    await expect(loadConnection({ env, context: 'elsewhere' })).rejects.toThrow(
      'has no context "elsewhere"; it has x, z',
    );
  });

  it.each([
    ['no current context', '{}', /no current cluster/],
    ['a list', '- a\n', /not a YAML mapping/],
  ])('that hold %s are refused', async (_name, content, message) => {
    await expect(loadConnection({ kubeconfig: file('config', content), env: {} })).rejects.toThrow(message);
  });
});
