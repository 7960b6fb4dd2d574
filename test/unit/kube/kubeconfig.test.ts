import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionFrom } from '../../../lib/kube/kubeconfig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** One cluster, user and context, as a tool would write them. */
function config(user: string, cluster = 'server: https://api:6443'): string {
  return `apiVersion: v1
kind: Config
current-context: here
clusters:
  - {name: c, cluster: {${cluster}}}
users:
  - {name: u, user: {${user}}}
contexts:
  - {name: here, context: {cluster: c, user: u}}
`;
}

describe('connectionFrom', () => {
  it('takes what the first of several files names, and the rest from the others', async () => {
    const clusters = 'clusters: [{name: c, cluster: {server: "https://first"}}]\ncurrent-context: x\n';
    const rest =
      'clusters: [{name: c, cluster: {server: "https://second"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: x, context: {cluster: c, user: u, namespace: apps}}]\ncurrent-context: y\n';

    const connection = await connectionFrom([await file('1', clusters), await file('2', rest)]);

    expect(connection).toMatchObject({ server: 'https://first', namespace: 'apps' });
    expect((await connection.credentials()).headers).toEqual({ authorization: 'Bearer t' });
  });

  it('reads files beside the kubeconfig, and a token file again each time', async () => {
    await mkdir(join(folder, 'pki'));
    await file('pki/ca.crt', 'CA');
    await file('token', 'one\n');
    const path = await file(
      'config',
      config('tokenFile: token', 'server: https://api, certificate-authority: pki/ca.crt, tls-server-name: kubernetes'),
    );

    const connection = await connectionFrom([path]);
    expect(await connection.credentials()).toEqual({
      headers: { authorization: 'Bearer one' },
      tls: { ca: Buffer.from('CA'), servername: 'kubernetes' },
    });

    await file('token', 'two\n');
    expect((await connection.credentials()).headers).toEqual({ authorization: 'Bearer two' });
  });

  it('gives an exec plugin its environment and takes a client certificate from it', async () => {
    const script =
      'process.stdout.write(JSON.stringify({status: {clientCertificateData: process.env.CERT, clientKeyData: JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind}}))';
    const exec = { command: process.execPath, args: ['-e', script], env: [{ name: 'CERT', value: 'C' }] };
    const path = await file('config', config(`exec: ${JSON.stringify(exec)}`));

    const connection = await connectionFrom([path]);

    expect((await connection.credentials()).tls).toEqual({ cert: 'C', key: 'ExecCredential' });
  });

  it.each([
    ['fails', { command: 'false', installHint: 'install the AWS CLI' }],
    ['prints no credentials', { command: 'echo', args: ['{}'], installHint: 'install the AWS CLI' }],
    ['is not installed', { command: '/nowhere/plugin', installHint: 'install the AWS CLI' }],
  ])('names an exec plugin that %s, with its hint', async (_name, exec) => {
    const connection = await connectionFrom([await file('config', config(`exec: ${JSON.stringify(exec)}`))]);

    await expect(connection.credentials()).rejects.toThrow(
      /exec plugin .* gave no credentials \(install the AWS CLI\)/,
    );
  });

  it.each([
    ['an auth-provider', config('auth-provider: {name: oidc}'), /auth-provider is not supported/],
    ['no current context', config('token: t').replace('current-context: here', ''), /no current cluster/],
    ['a list', '- a\n', /no YAML mapping/],
  ])('refuses a file with %s', async (_name, text, message) => {
    await expect(connectionFrom([await file('config', text)])).rejects.toThrow(message);
  });
});
