import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { User } from '@kubernetes/client-node';

/*
 * client-node sends an id token, but cannot refresh one: 2.0.1 hands the issuer's URL on as text, where only a URL is taken, its own
 * HTTP for an issuer with a CA answers with what is not accepted as an answer, and it takes the seconds that a new token is valid
 * for a time of day. So an expired token is replaced in the user's settings before client-node looks at them.
 */

/** The settings of an `oidc` auth-provider, as the kubeconfig has them. */
interface OidcSettings {
  'id-token'?: string;
  'refresh-token'?: string;
  readonly 'idp-issuer-url'?: string;
  readonly 'client-id'?: string;
  readonly 'client-secret'?: string;
  readonly 'idp-certificate-authority'?: string;
  readonly 'idp-certificate-authority-data'?: string;
}

/** Longest wait for each answer of the identity provider, ms. */
const TIMEOUT_MS = 10_000;

/**
 * Replaces the user's id token when it has expired, or when the server has `refused` it, and the settings say how. True when it did:
 * what was remembered of the old one is outdated.
 * @throws {Error} when the identity provider gives none.
 */
export async function refreshOidc(user: User | null, { refused }: { refused: boolean }): Promise<boolean> {
  const provider = user?.authProvider as { readonly name?: string; readonly config?: OidcSettings } | undefined;
  const settings = provider?.name === 'oidc' ? provider.config : undefined;
  if (!settings?.['refresh-token'] || !settings['idp-issuer-url'] || !settings['client-id']) return false;
  if (!refused && Date.now() < expiryOf(settings['id-token'])) return false;
  const fresh = await grant(settings);
  if (fresh.id_token === undefined) throw new Error(`${settings['idp-issuer-url']} refreshed without an id_token`);
  settings['id-token'] = fresh.id_token;
  // A provider that does not rotate refresh tokens sends none.
  if (fresh.refresh_token !== undefined) settings['refresh-token'] = fresh.refresh_token;
  return true;
}

/** Ms since the epoch. A token that does not say when has expired. */
function expiryOf(idToken = ''): number {
  try {
    const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { exp?: number };
    return (claims.exp ?? 0) * 1_000;
  } catch {
    return 0;
  }
}

async function grant(settings: OidcSettings): Promise<{ id_token?: string; refresh_token?: string }> {
  const { 'client-id': id = '', 'client-secret': secret, 'refresh-token': refresh_token = '' } = settings;
  const [data, path] = [settings['idp-certificate-authority-data'], settings['idp-certificate-authority']];
  const ca = data ? Buffer.from(data, 'base64') : path ? await readFile(path) : undefined;
  const issuer = settings['idp-issuer-url']?.replace(/\/$/, '');
  const { token_endpoint } = await ask<{ token_endpoint?: string }>(`${issuer}/.well-known/openid-configuration`, ca);
  if (token_endpoint === undefined) throw new Error(`${issuer} names no token_endpoint`);
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token, ...(!secret && { client_id: id }) });
  const basic = secret ? [id, secret].map(encodeURIComponent).join(':') : undefined;
  return ask(token_endpoint, ca, { form: form.toString(), basic });
}

interface TokenRequest {
  readonly form: string;
  /** `name:password` of the client. */
  readonly basic: string | undefined;
}

async function ask<T>(url: string, ca: Buffer | undefined, { form, basic }: Partial<TokenRequest> = {}): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const sending = request(url, {
    ...(ca && { ca }),
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(basic !== undefined && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  sending.once('error', reject);
  sending.once('response', (response) => {
    const read = async () => {
      const body = await text(response);
      if (response.statusCode === 200) return JSON.parse(body) as T;
      throw new Error(`${url}: HTTP ${response.statusCode} ${body.slice(0, 200)}`);
    };
    read().then(resolve, reject);
  });
  sending.end(form);
  return promise;
}
