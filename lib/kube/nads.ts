import { FLOATING_IPS } from '../model/addresses/floating-declaration.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isKubeError, networkError } from './kube-error.ts';

/** What is known of a NetworkAttachmentDefinition. `absent` also when the resource type itself does not exist. */
export type Nad =
  | { readonly state: 'known'; readonly annotations: Readonly<Record<string, string>>; readonly config: string }
  | { readonly state: 'absent' }
  | { readonly state: 'forbidden' }
  | { readonly state: 'unavailable' };

/**
 * NetworkAttachmentDefinitions read when somebody needs them and kept for a minute. There is no watch: an idle node has one watch
 * only, and definitions hardly ever change under running pods.
 */
export interface NadCache {
  /** The definition, from memory or by one GET (asked for several times at once, still one). Never rejects. */
  get(namespacedName: string): Promise<Nad>;
  /** The value of `eni-agent.io/floating-ips` on the definition; undefined when there is none or it cannot be read. */
  floatingDeclaration(namespacedName: string): Promise<string | undefined>;
  /** What {@link floatingDeclaration} would answer from memory, without asking; also `stale` values. For pure planning. */
  peek(namespacedName: string): Nad | undefined;
  /** Starts reading what is missing or outdated. Resolves when all of it is there: true when something had to be read. */
  prefetch(namespacedNames: Iterable<string>): Promise<boolean>;
}

export interface NadCacheOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called for each failed read other than absence: lack of permission, or no answer. */
  readonly onError?: (namespacedName: string, error: Error) => void;
  /** @default 60 000 */
  readonly ttlMs?: number;
}

/** A read without an answer is not worth remembering for a minute. */
const UNAVAILABLE_TTL_MS = 2_000;

interface RawNad {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly config?: unknown };
}

export function createNadCache(options: NadCacheOptions): NadCache {
  const { client, clock, signal, ttlMs = 60_000 } = options;
  const known = new Map<string, { nad: Nad; readAt: number }>();
  const reading = new Map<string, Promise<Nad>>();

  function get(namespacedName: string): Promise<Nad> {
    const fresh = freshOf(namespacedName);
    if (fresh !== undefined) return Promise.resolve(fresh);
    const current = reading.get(namespacedName) ?? read(namespacedName).finally(() => reading.delete(namespacedName));
    reading.set(namespacedName, current);
    return current;
  }

  function freshOf(namespacedName: string): Nad | undefined {
    const { nad, readAt = 0 } = known.get(namespacedName) ?? {};
    return clock.now() - readAt < (nad?.state === 'unavailable' ? UNAVAILABLE_TTL_MS : ttlMs) ? nad : undefined;
  }

  async function read(namespacedName: string): Promise<Nad> {
    const fresh = await fetchNad(namespacedName);
    const earlier = known.get(namespacedName)?.nad;
    // During an outage the last known definition is better than none.
    const nad = fresh.state === 'unavailable' && earlier !== undefined ? earlier : fresh;
    known.set(namespacedName, { nad, readAt: clock.now() });
    return nad;
  }

  async function fetchNad(namespacedName: string): Promise<Nad> {
    const path = nadPath(namespacedName);
    if (path === undefined) return { state: 'absent' };
    try {
      const raw = await client.request<RawNad>({ method: 'GET', path, signal });
      const config = raw.spec?.config;
      return {
        state: 'known',
        annotations: raw.metadata?.annotations ?? {},
        config: typeof config === 'string' ? config : '',
      };
    } catch (cause) {
      const error = isKubeError(cause) ? cause : networkError(cause);
      if (error.status === 404) return { state: 'absent' };
      if (!signal.aborted) options.onError?.(namespacedName, error);
      return { state: error.status === 403 ? 'forbidden' : 'unavailable' };
    }
  }

  return {
    get,
    async floatingDeclaration(namespacedName) {
      const nad = await get(namespacedName);
      return nad.state === 'known' ? nad.annotations[FLOATING_IPS] : undefined;
    },
    peek: (namespacedName) => known.get(namespacedName)?.nad,
    async prefetch(namespacedNames) {
      const outdated = [...new Set(namespacedNames)].filter((name) => freshOf(name) === undefined);
      await Promise.all(outdated.map(get));
      return outdated.length > 0;
    },
  };
}

/** Undefined for a name that cannot be a definition's, such as the CNI conf name of the default network. */
function nadPath(namespacedName: string): string | undefined {
  const [namespace, name, ...rest] = namespacedName.split('/');
  if (!namespace || !name || rest.length > 0) return undefined;
  const segments = [namespace, name].map(encodeURIComponent);
  return `/apis/k8s.cni.cncf.io/v1/namespaces/${segments[0]}/network-attachment-definitions/${segments[1]}`;
}
