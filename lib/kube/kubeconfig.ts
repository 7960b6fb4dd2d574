import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { load } from 'js-yaml';
import type { Connection, Credentials, TlsOptions } from './connection.ts';
import { type ExecPlugin, execCredentials } from './exec-credential.ts';

/*
 * Our own reader, because the client library brings its whole HTTP stack along: it cost 15 MB of resident memory and half of the
 * time to start, for a file of twenty lines.
 */

interface Cluster {
  readonly server: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly exec?: ExecPlugin;
  readonly 'auth-provider'?: object;
}

interface Context {
  readonly cluster: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** Tables by name, as they stand after merging; paths in them are absolute. */
interface Kubeconfig {
  readonly current: string | undefined;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly users: ReadonlyMap<string, User>;
  readonly contexts: ReadonlyMap<string, Context>;
}

/**
 * Connection of the chosen or else the current context. Of several files the first that names a thing wins, as with kubectl. Credentials are a token (also
 * in a file), a client certificate, a name and password, or an exec plugin; these are read or run again for each `credentials()`.
 * @throws {Error} when the files cannot be used; the message names the fix.
 */
export async function connectionFrom(files: readonly string[], chosen?: string): Promise<Connection> {
  const config = merge(await Promise.all(files.map(readKubeconfig)));
  const where = `kubeconfig ${files.join(':')}`;
  const context = config.contexts.get(chosen ?? config.current ?? '');
  const cluster = config.clusters.get(context?.cluster ?? '');
  if (context === undefined && chosen !== undefined)
    throw new Error(
      `${where} has no context ${JSON.stringify(chosen)}; it has ${[...config.contexts.keys()].join(', ') || 'none'}`,
    );
  if (context === undefined || cluster?.server === undefined)
    throw new Error(`${where} has no current cluster (current-context)`);
  const user = config.users.get(context.user ?? '') ?? {};
  if (cluster['proxy-url']) throw new Error(`${where}: proxy-url is not supported`);
  if (user['auth-provider'] && user.exec === undefined)
    throw new Error(`${where}: auth-provider is not supported (Kubernetes dropped it in 1.26); use exec`);
  const plainHttp = cluster.server.startsWith('http:');
  if (plainHttp && cluster['insecure-skip-tls-verify'] !== true && !isLoopback(cluster.server))
    throw new Error(`${cluster.server}: plain http needs insecure-skip-tls-verify, or a loopback address`);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: context.namespace,
    credentials: () => credentialsOf(cluster, user),
  };
}

async function credentialsOf(cluster: Cluster, user: User): Promise<Credentials> {
  const [ca, cert, key, token, exec] = await Promise.all([
    content(cluster['certificate-authority-data'], cluster['certificate-authority']),
    content(user['client-certificate-data'], user['client-certificate']),
    content(user['client-key-data'], user['client-key']),
    user.tokenFile === undefined ? user.token : readFile(user.tokenFile, 'utf8').then((text) => text.trim()),
    user.exec === undefined ? undefined : execCredentials(user.exec),
  ]);
  const tls = {
    ca,
    cert: exec?.cert ?? cert,
    key: exec?.key ?? key,
    servername: cluster['tls-server-name'],
    rejectUnauthorized: cluster['insecure-skip-tls-verify'] === true ? false : undefined,
  };
  const authorization = authorizationOf(exec?.token ?? token, user);
  return { headers: authorization === undefined ? {} : { authorization }, tls: defined(tls) };
}

function authorizationOf(token: string | undefined, { username, password = '' }: User): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  return username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The `-data` form wins over the path, as with kubectl. */
async function content(base64: string | undefined, path: string | undefined): Promise<Buffer | undefined> {
  if (base64) return Buffer.from(base64, 'base64');
  return path === undefined ? undefined : readFile(path);
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  const document = load(await readFile(path, 'utf8'));
  if (!isRecord(document)) throw new Error(`kubeconfig ${path} is not a YAML mapping`);
  const here = dirname(resolve(path));
  const current = document['current-context'];
  return {
    current: typeof current === 'string' && current !== '' ? current : undefined,
    clusters: table(document['clusters'], 'cluster', here),
    users: table(document['users'], 'user', here),
    contexts: table(document['contexts'], 'context', here),
  };
}

/** Fields that are paths, relative to the folder of the file that they stand in. */
const PATHS = new Set(['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']);

/** `[{name, <field>: {…}}]` as a map. What the file really holds is trusted to be of its kind: it is the operator's own. */
function table<Entry>(list: unknown, field: string, folder: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const item of Array.isArray(list) ? list : []) {
    if (!isRecord(item) || typeof item['name'] !== 'string' || !isRecord(item[field])) continue;
    const fields = Object.entries(item[field]).filter(([, value]) => value !== null && value !== '');
    const absolute = fields.map(([key, value]) => [key, PATHS.has(key) ? resolve(folder, String(value)) : value]);
    if (!entries.has(item['name'])) entries.set(item['name'], Object.fromEntries(absolute) as Entry);
  }
  return entries;
}

function merge(configs: readonly Kubeconfig[]): Kubeconfig {
  // A later entry of the Map constructor replaces an earlier one: the first file comes last.
  const all = configs.toReversed();
  return {
    current: configs.find(({ current }) => current !== undefined)?.current,
    clusters: new Map(all.flatMap(({ clusters }) => [...clusters])),
    users: new Map(all.flatMap(({ users }) => [...users])),
    contexts: new Map(all.flatMap(({ contexts }) => [...contexts])),
  };
}

function defined(options: { readonly [K in keyof TlsOptions]: TlsOptions[K] | undefined }): TlsOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLoopback(server: string): boolean {
  const { hostname } = new URL(server);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
