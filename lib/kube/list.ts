import type { KubeClient, Query } from './client.ts';
import { isKubeError } from './kube-error.ts';
import type { RawObject } from './object-store.ts';

interface RawList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly RawObject[] | null;
}

export interface ListOptions<E> {
  readonly path: string;
  readonly query: Query;
  /**
   * Resource version that the answer must not be older than: `'0'` any state of the server's cache, `''` the newest, read from etcd.
   * A node's pods come from the cache's index by node name; from etcd they cost a scan of all pods.
   */
  readonly from: string;
  readonly signal: AbortSignal;
  readonly convert: (object: RawObject) => E;
}

const PAGE_SIZE = 500;
const LIST_TIMEOUT_MS = 60_000;

/**
 * Lists a whole collection page by page; each page is converted before the next is asked for.
 * A continue token that expired on the way (410) starts again without pages, as client-go does.
 */
export async function listAll<E>(
  client: KubeClient,
  options: ListOptions<E>,
): Promise<{ entries: E[]; resourceVersion: string }> {
  try {
    return await listPages(client, options, PAGE_SIZE);
  } catch (error) {
    if (!(error instanceof ExpiredToken)) throw error;
    return await listPages(client, options, undefined);
  }
}

class ExpiredToken extends Error {}

async function listPages<E>(client: KubeClient, options: ListOptions<E>, limit: number | undefined) {
  const entries: E[] = [];
  let token: string | undefined;
  for (;;) {
    const page: RawList = await getPage(client, options, limit, token);
    for (const object of page.items ?? []) entries.push(options.convert(object));
    token = page.metadata?.continue || undefined;
    if (token === undefined) return { entries, resourceVersion: page.metadata?.resourceVersion ?? '' };
  }
}

async function getPage<E>(
  client: KubeClient,
  options: ListOptions<E>,
  limit: number | undefined,
  token: string | undefined,
) {
  const { path, signal, from } = options;
  // A limit together with an exact version is answered from etcd; with '0' or '' it is not, or was going to be anyway.
  const paging =
    token === undefined
      ? { resourceVersion: from || undefined, limit: from === '' || from === '0' ? limit : undefined }
      : { limit, continue: token };
  try {
    return await client.request<RawList>({
      method: 'GET',
      path,
      query: { ...options.query, ...paging },
      signal,
      timeoutMs: LIST_TIMEOUT_MS,
    });
  } catch (error) {
    if (token !== undefined && isKubeError(error) && error.expired) throw new ExpiredToken(undefined, { cause: error });
    throw error;
  }
}
