import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Connection, Credentials, TlsOptions } from './connection.ts';

/** Connections that are kept between requests, with the headers that authenticate the next one. */
export interface AgentPool {
  current(): Promise<{ readonly agent: PlainAgent; readonly headers: Credentials['headers'] }>;
  close(): void;
}

/** Long enough that a write after a quiet minute needs no new TLS handshake; the API server itself closes after 90 s. */
const IDLE_MS = 75_000;

/** As many as write at once, usually; each further one would hold the memory of a TLS session. */
const MOST_IDLE = 8;

/** The agent stays the same as long as CA and client certificate do; what runs on the old connections ends there in its own time. */
export function createAgentPool(connection: Connection): AgentPool {
  const open = connection.server.startsWith('https:')
    ? (tls: TlsOptions) => new TlsAgent({ ...KEPT, ...tls })
    : () => new PlainAgent(KEPT);
  let pool: { readonly tls: TlsOptions; readonly agent: PlainAgent } | undefined;

  return {
    async current() {
      const { headers, tls, proxied } = await connection.credentials();
      if (proxied !== undefined) return { agent: proxied, headers };
      if (pool === undefined || !sameTls(pool.tls, tls)) pool = { tls, agent: open(tls) };
      return { agent: pool.agent, headers };
    },
    close() {
      pool?.agent.destroy();
      pool = undefined;
    },
  };
}

const KEPT = { keepAlive: true, keepAliveMsecs: 30_000, timeout: IDLE_MS, maxFreeSockets: MOST_IDLE } as const;

function sameTls(a: TlsOptions, b: TlsOptions): boolean {
  return a === b || fingerprint(a) === fingerprint(b);
}

function fingerprint({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }: TlsOptions): string {
  return [ca, cert, key, pfx, passphrase, servername, rejectUnauthorized].map(String).join('\n');
}
