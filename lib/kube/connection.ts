import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';

/** What a request carries to prove who we are and to know the server. Read anew about each minute: tokens and CAs rotate. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where the API server is and how to speak to it. */
export interface Connection {
  /** `https://host:port`, perhaps with a path, without a trailing slash. */
  readonly server: string;
  /** Namespace of the kubeconfig context or of this pod's service account. */
  readonly namespace: string | undefined;
  credentials(): Promise<Credentials>;
}

export interface ConnectionOptions {
  /** Path of a kubeconfig; wins over everything else. */
  readonly kubeconfig?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default '/var/run/secrets/kubernetes.io/serviceaccount' */
  readonly serviceAccountDir?: string;
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the cluster: the given kubeconfig, else `KUBECONFIG`, else the pod's service account, else `~/.kube/config`.
 * @throws {Error} when there is none, or when the one found cannot be used; the message names the fix.
 */
export async function loadConnection(options: ConnectionOptions): Promise<Connection> {
  const explicit = options.kubeconfig || options.env['KUBECONFIG'];
  if (explicit) return fromKubeconfig(explicit.split(':').filter(Boolean));
  const dir = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  if (options.env['KUBERNETES_SERVICE_HOST'] && existsSync(join(dir, 'token')))
    return fromServiceAccount(dir, options.env);
  const home = join(options.env['HOME'] ?? '/root', '.kube', 'config');
  if (existsSync(home)) return fromKubeconfig([home]);
  throw new Error(
    'no Kubernetes API server known: not in a pod with a service account; give --kubeconfig or KUBECONFIG',
  );
}

/** In a pod two files and two variables are all there is to know, so that nothing of the client library is loaded. */
async function fromServiceAccount(dir: string, env: ConnectionOptions['env']): Promise<Connection> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: await readFile(join(dir, 'namespace'), 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    ),
    credentials: async () => {
      const [token, ca] = await Promise.all([
        readFile(join(dir, 'token'), 'utf8'),
        readFile(join(dir, 'ca.crt'), 'utf8'),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

/** Tokens, certificates, basic auth, exec plugins and OIDC are the client library's work. */
async function fromKubeconfig(files: readonly string[]): Promise<Connection> {
  const config = await readKubeconfig(files);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`kubeconfig ${files.join(':')} has no current cluster (current-context)`);
  if (cluster.proxyUrl) throw new Error(`kubeconfig ${files.join(':')}: proxy-url is not supported`);
  const plainHttp = cluster.server.startsWith('http:');
  if (plainHttp && !cluster.skipTLSVerify && !isLoopback(cluster.server)) {
    throw new Error(`${cluster.server}: plain http needs insecure-skip-tls-verify, or a loopback address`);
  }
  // The library refuses plain http without this, loopback or not.
  if (plainHttp)
    config.clusters = config.clusters.map((entry) => (entry === cluster ? { ...entry, skipTLSVerify: true } : entry));
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    credentials: () => credentialsOf(config),
  };
}

async function readKubeconfig(files: readonly string[]): Promise<KubeConfig> {
  // A deep import, and only here: the package costs 80 MB unbundled, which a pod with a service account need not pay.
  const library = await import('@kubernetes/client-node/dist/config.js');
  const [first, ...rest] = files.map((file) => {
    const config = new library.KubeConfig();
    config.loadFromFile(file);
    return config;
  });
  if (first === undefined) throw new Error('KUBECONFIG is empty');
  for (const config of rest) first.mergeConfig(config, true);
  return first;
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: Record<string, unknown> & { headers: Record<string, string> } = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers = lowerCase(options.headers);
  if (typeof options['auth'] === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options['auth']).toString('base64')}`;
  return { headers, tls: pick(options, ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized']) };
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function pick(source: Record<string, unknown>, keys: readonly string[]): TlsOptions {
  return Object.fromEntries(keys.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]])));
}

function isLoopback(server: string): boolean {
  const { hostname } = new URL(server);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
