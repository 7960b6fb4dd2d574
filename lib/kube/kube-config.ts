import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { isLoopback, proxyFor } from './proxy.ts';

/*
 * client-node reads kubeconfigs and applies every way of authentication. What it lacks is put right here, before and after it reads:
 * `tokenFile`, several files that name the same thing, what an exec plugin learns, paths relative to the file, HTTPS_PROXY.
 */

export interface Choice {
  /** Name of a context. @default the current one */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Fields = Record<string, unknown>;

/**
 * The configuration of the chosen or else the current context. Of several files the first that names a thing wins, as with kubectl.
 * @throws {Error} when the files cannot be used; the message names the fix.
 */
export async function readKubeConfig(files: readonly string[], { context, env }: Choice): Promise<KubeConfig> {
  // Loaded here, so that nothing else that imports this file pays for it: without the bundler's narrowing it takes a second.
  const library = await import('@kubernetes/client-node');
  const parts = await Promise.all(
    files.map(async (file) => {
      const config = new library.KubeConfig();
      config.loadFromString(JSON.stringify(await readDocument(file)), { onInvalidEntry: 'filter' });
      config.makePathsAbsolute(dirname(resolve(file)));
      return config;
    }),
  );
  const config = new library.KubeConfig();
  config.loadFromOptions({
    clusters: firstOfEachName(parts.flatMap(({ clusters }) => clusters)),
    // The last resort of a context that names no user, or one that is not there: nobody.
    users: firstOfEachName([...parts.flatMap(({ users }) => users), { name: '' }]),
    contexts: firstOfEachName(parts.flatMap(({ contexts }) => contexts)),
    currentContext: context ?? parts.map(({ currentContext }) => currentContext).find(Boolean),
  });
  return settle(config, `kubeconfig ${files.join(':')}`, { context, env });
}

/** The configuration of a pod's service account. Its token and CA are files that the kubelet replaces. */
export async function inClusterConfig(folder: string, { env }: Choice): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
  const namespace = await readFile(`${folder}/namespace`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  config.loadFromOptions({
    clusters: [{ name: 'in-cluster', server, caFile: `${folder}/ca.crt`, skipTLSVerify: false }],
    users: [{ name: 'service-account', authProvider: tokenFileProvider(`${folder}/token`) }],
    contexts: [{ name: 'in-cluster', cluster: 'in-cluster', user: 'service-account', namespace }],
    currentContext: 'in-cluster',
  });
  return settle(config, 'the service account', { env });
}

/** The same connection with nothing remembered: no credentials of an earlier call, no agent. */
export async function afresh(config: KubeConfig): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const copy = new KubeConfig();
  copy.loadFromOptions(config);
  return copy;
}

/** Checks the chosen context, and completes its cluster and user. */
function settle(config: KubeConfig, where: string, { context: chosen, env }: Choice): KubeConfig {
  const context = config.getContextObject(config.currentContext);
  const cluster = config.getCurrentCluster();
  if (context === null && chosen !== undefined) {
    const names = config.contexts.map(({ name }) => name).join(', ') || 'none';
    throw new Error(`${where} has no context ${JSON.stringify(chosen)}; it has ${names}`);
  }
  if (context === null || cluster === null) throw new Error(`${where} has no current cluster (current-context)`);
  const user = config.getCurrentUser() === null ? '' : context.user;
  const { protocol, hostname } = new URL(cluster.server);
  const isPlain = protocol === 'http:';
  if (isPlain && !cluster.skipTLSVerify && !isLoopback(hostname))
    throw new Error(`${cluster.server}: plain http needs insecure-skip-tls-verify, or a loopback address`);
  const proxyUrl = cluster.proxyUrl || proxyFor(cluster.server, env);
  const complete = { ...cluster, skipTLSVerify: isPlain || cluster.skipTLSVerify, ...(proxyUrl && { proxyUrl }) };
  config.clusters = config.clusters.map((one) => (one.name === cluster.name ? complete : one));
  config.contexts = config.contexts.map((one) => (one.name === context.name ? { ...context, user } : one));
  config.users = config.users.map((one) => (one.name === user ? withExecInfo(one, complete) : one));
  return config;
}

/** What an exec plugin gets to know: the version that is expected, that nobody can answer questions, and the cluster if it asks for it. */
function withExecInfo(user: User, { server, tlsServerName, skipTLSVerify, caData, proxyUrl }: Cluster): User {
  if (!user.exec) return user;
  const { apiVersion = 'client.authentication.k8s.io/v1', env, provideClusterInfo } = user.exec as ExecPlugin;
  const cluster = {
    server,
    'tls-server-name': tlsServerName,
    'insecure-skip-tls-verify': skipTLSVerify,
    'certificate-authority-data': caData,
    'proxy-url': proxyUrl,
  };
  const spec = { interactive: false, ...(provideClusterInfo === true && { cluster }) };
  const value = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
  return { ...user, exec: { ...user.exec, env: [...(env ?? []), { name: 'KUBERNETES_EXEC_INFO', value }] } };
}

interface ExecPlugin {
  readonly apiVersion?: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
}

function firstOfEachName<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return all.filter(({ name }, index) => all.findIndex((one) => one.name === name) === index);
}

async function readDocument(file: string): Promise<Fields> {
  const document = await parsed(file);
  if (!isFields(document)) throw new Error(`kubeconfig ${file} is not a YAML mapping`);
  const folder = dirname(resolve(file));
  return {
    ...document,
    clusters: entries(document['clusters'], 'cluster', dataFirst),
    users: entries(document['users'], 'user', (user) => completeUser(dataFirst(user), folder)),
  };
}

async function parsed(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(
      `kubeconfig ${file} cannot be read (${lineOf(cause)}); name another with --kubeconfig or KUBECONFIG`,
      {
        cause,
      },
    );
  });
  try {
    return load(text);
  } catch (cause) {
    throw new Error(`kubeconfig ${file} is not YAML: ${lineOf(cause)}`, { cause });
  }
}

/** What a library says without the path, which the message has already, and without a drawing below its first line. */
function lineOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split(/\n|, open /, 1)[0] ?? '';
}

function entries(list: unknown, field: string, complete: (fields: Fields) => Fields): unknown[] {
  const items: unknown[] = Array.isArray(list) ? list : [];
  return items.map((item) =>
    isFields(item) && isFields(item[field]) ? { ...item, [field]: complete(item[field]) } : item,
  );
}

/** Where something is given both as data and as a path, the data counts. */
function dataFirst(fields: Fields): Fields {
  const given = Object.entries(fields).filter(
    ([key, value]) => value !== null && value !== '' && !fields[`${key}-data`],
  );
  return Object.fromEntries(given);
}

function completeUser({ tokenFile, ...user }: Fields, folder: string): Fields {
  const { exec, 'auth-provider': provider } = user;
  // The file is replaced from time to time, a token beside it is not.
  if (typeof tokenFile === 'string') {
    const { token: _outdated, ...rest } = user;
    return { ...rest, 'auth-provider': tokenFileProvider(resolve(folder, tokenFile)) };
  }
  if (isFields(exec)) return { ...user, exec: { ...exec, command: commandIn(folder, exec['command']) } };
  const ca = isFields(provider) && isFields(provider['config']) ? provider['config'][IDP_CA] : undefined;
  if (!isFields(provider) || typeof ca !== 'string') return user;
  const config = { ...(provider['config'] as Fields), [IDP_CA]: resolve(folder, ca) };
  return { ...user, 'auth-provider': { ...provider, config } };
}

const IDP_CA = 'idp-certificate-authority';

function tokenFileProvider(tokenFile: string) {
  return { name: 'tokenFile', config: { tokenFile } };
}

/** A path is relative to the kubeconfig; a mere name is looked up in PATH. */
function commandIn(folder: string, command: unknown): unknown {
  return typeof command === 'string' && command.includes('/') ? resolve(folder, command) : command;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
