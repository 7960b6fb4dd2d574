import type { Dispatcher } from 'undici';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { Clock } from '../runtime/clock.ts';
import type { Connection, Credentials, TlsOptions } from './connection.ts';

/** The shared connection pool with the headers that authenticate a request. */
export interface DispatcherSource {
  current(): Promise<{ dispatcher: Dispatcher; headers: Readonly<Record<string, string>> }>;
  /** Reads the credentials again at the next request: the server did not accept them. */
  forget(): void;
  close(): Promise<void>;
}

/** client-go re-reads a token file each minute; projected tokens are replaced long before they expire. */
const CREDENTIALS_MS = 60_000;

/** Long enough that a write after a quiet minute needs no new TLS handshake; the API server itself closes after 90 s. */
const KEEP_ALIVE_MS = 75_000;

export function createDispatcherSource(connection: Connection, clock: Clock): DispatcherSource {
  let reading: { at: number; credentials: Promise<Credentials> } | undefined;
  let pool: { tls: TlsOptions; agent: Dispatcher } | undefined;

  function read(): Promise<Credentials> {
    if (reading === undefined || clock.now() - reading.at >= CREDENTIALS_MS) {
      const fresh = { at: clock.now(), credentials: connection.credentials() };
      fresh.credentials.catch(() => {
        if (reading === fresh) reading = undefined;
      });
      reading = fresh;
    }
    return reading.credentials;
  }

  function agentFor(tls: TlsOptions): Dispatcher {
    if (pool !== undefined && sameTls(pool.tls, tls)) return pool.agent;
    // A rotated CA or client certificate: what runs on the old connections may end there in its own time.
    void pool?.agent.close();
    pool = { tls, agent: createAgent(tls) };
    return pool.agent;
  }

  return {
    async current() {
      const { headers, tls } = await read();
      return { dispatcher: agentFor(tls), headers };
    },
    forget() {
      reading = undefined;
    },
    async close() {
      await pool?.agent.destroy();
      pool = undefined;
    },
  };
}

function createAgent(tls: TlsOptions): Dispatcher {
  return new Agent({
    // A watch holds its connection for minutes: over HTTP/2 one lost connection would take every request with it.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connectTimeout: 5_000,
    connect: { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 } as Agent.Options['connect'] & object,
  });
}

function sameTls(a: TlsOptions, b: TlsOptions): boolean {
  return a === b || fingerprint(a) === fingerprint(b);
}

function fingerprint({ ca, cert, key, servername, rejectUnauthorized }: TlsOptions): string {
  return [ca, cert, key, servername, rejectUnauthorized].map(String).join('\n');
}
