import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { connectionFrom } from './kubeconfig.ts';

/** What a request carries to prove who we are and to know the server. Read again about each minute: tokens and CAs rotate. */
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
  /** Of the kubeconfig. @default its current one */
  readonly context?: string | undefined;
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
  if (explicit) return connectionFrom(explicit.split(':').filter(Boolean), options.context);
  const dir = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  if (!options.context && options.env['KUBERNETES_SERVICE_HOST'] && existsSync(join(dir, 'token')))
    return fromServiceAccount(dir, options.env);
  const home = join(options.env['HOME'] ?? '/root', '.kube', 'config');
  if (existsSync(home)) return connectionFrom([home], options.context);
  throw new Error(
    'no Kubernetes API server known: not in a pod with a service account; give --kubeconfig or KUBECONFIG',
  );
}

/** In a pod two files and two variables are all there is to know. */
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
