import { existsSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { afresh, inClusterConfig, readKubeConfig } from './kube-config.ts';
import { refreshOidc } from './oidc.ts';

/** What a request carries to prove who we are and to know the server. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** Leads through the proxy, with `tls` applied; undefined: there is none. */
  readonly proxied?: Agent | undefined;
}

export type TlsOptions = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
>;

/** Where the API server is and how to speak to it. */
export interface Connection {
  /** `https://host:port`, perhaps with a path, without a trailing slash. */
  readonly server: string;
  /** Namespace of the kubeconfig context or of this pod's service account. */
  readonly namespace: string | undefined;
  /** For the next request: files are read again, and what has expired is renewed. */
  credentials(): Promise<Credentials>;
  /** The server did not accept the last ones: nothing of them may be used for the next request. */
  renew?(): void;
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
export function loadConnection(options: ConnectionOptions): Promise<Connection> {
  const { context, env } = options;
  const explicit = options.kubeconfig || env['KUBECONFIG'];
  const fromFiles = (files: readonly string[]) => connect(() => readKubeConfig(files, options));
  if (explicit) return fromFiles(explicit.split(':').filter(Boolean));
  const dir = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  if (!context && env['KUBERNETES_SERVICE_HOST'] && existsSync(join(dir, 'token')))
    return connect(() => inClusterConfig(dir, options));
  const home = join(env['HOME'] ?? '/root', '.kube', 'config');
  if (existsSync(home)) return fromFiles([home]);
  return Promise.reject(
    new Error('no Kubernetes API server known: not in a pod with a service account; give --kubeconfig or KUBECONFIG'),
  );
}

/** `load` is called again when the server has refused what the first configuration gave. */
async function connect(load: () => Promise<KubeConfig>): Promise<Connection> {
  const config = await load();
  const authentication = new Authentication(config, load);
  return {
    server: config.getCurrentCluster()?.server.replace(/\/+$/, '') ?? '',
    namespace: config.getContextObject(config.currentContext)?.namespace,
    credentials: () => authentication.credentials(),
    renew: () => authentication.renew(),
  };
}

/**
 * client-node's ways of authentication, with what they lack for a process that runs for months: requests that come together ask
 * once, and after a refusal (401) or a failure nothing that was remembered is used again.
 */
class Authentication {
  #config: KubeConfig;
  readonly #load: () => Promise<KubeConfig>;
  #asking: Promise<Credentials> | undefined;
  #next: 'keep' | 'renew' | 'reload' = 'keep';

  constructor(config: KubeConfig, load: () => Promise<KubeConfig>) {
    this.#config = config;
    this.#load = load;
  }

  credentials(): Promise<Credentials> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  renew(): void {
    if (this.#next === 'keep') this.#next = 'renew';
  }

  async #ask(): Promise<Credentials> {
    const how = this.#next;
    this.#next = 'keep';
    try {
      if (how === 'reload') await this.#reload();
      const refreshed = await refreshOidc(this.#config.getCurrentUser(), { refused: how === 'renew' });
      if (refreshed) this.#config = await afresh(this.#config);
      else if (how === 'renew') await this.#reload();
      return await credentialsOf(this.#config);
    } catch (error) {
      this.#next = 'reload';
      throw explain(this.#config.getCurrentUser(), error);
    }
  }

  /** Files that are not there any more leave what they said. */
  async #reload(): Promise<void> {
    this.#config = await this.#load().catch(() => afresh(this.#config));
  }
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized, auth, headers } = options;
  const given = Object.entries({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized });
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  // A token read from a file may end with a newline, which no header may hold.
  const trimmed = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value).trim()]);
  return {
    headers: { ...basic, ...Object.fromEntries(trimmed) },
    tls: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    proxied: config.getCurrentCluster()?.proxyUrl ? (options.agent as Agent) : undefined,
  };
}

/** An exec plugin is named with its hint: what client-node throws is what the plugin said, or that it said nothing useful. */
function explain(user: User | null, cause: unknown): Error {
  const said = cause instanceof Error ? cause.message.trim() : String(cause);
  const exec = user?.exec as { command?: string; installHint?: string } | null | undefined;
  if (!exec) return new Error(`the kubeconfig's credentials cannot be read: ${said}`, { cause });
  const hint = exec.installHint ? ` (${exec.installHint})` : '';
  return new Error(`the kubeconfig's exec plugin ${exec.command} gave no credentials${hint}: ${said}`, { cause });
}
