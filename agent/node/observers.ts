import type { NodeOptions } from '../../lib/config/options.ts';
import { CniCache } from '../../lib/net/cni-cache.ts';
import { HostLinks } from '../../lib/net/host-links.ts';
import { PodNamespaces } from '../../lib/net/netns.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { NodeSources } from './sources.ts';

export interface ObserverParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onChange: () => void;
}

export type Observers = Pick<NodeSources, 'cache' | 'namespaces' | 'links'> & {
  readonly tasks: readonly { readonly name: string; readonly run: (signal: AbortSignal) => Promise<void> }[];
  /** Why the observers do not see everything they should. */
  readonly faults: () => readonly string[];
};

/** A new namespace is read within some ms, on a busy node within a second or two. */
const HIDDEN_MS = 5_000;

type ObserverOptions = Pick<NodeOptions, 'observe' | 'cniCacheDirs' | 'netnsDir' | 'addressResyncMs'>;

/** The observers that this level of `--observe` asks for: each level needs fewer privileges than the next. */
export function openObservers(options: ObserverOptions, parts: ObserverParts): Observers {
  const { clock, random, log, onChange } = parts;
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const shared = { clock, random, onChange, onProblem };
  const links = new HostLinks(shared);
  const cache =
    options.observe === 'annotations' ? undefined : new CniCache({ ...shared, folders: options.cniCacheDirs });
  const namespaces =
    options.observe === 'live'
      ? new PodNamespaces({ ...shared, dir: options.netnsDir, resyncMs: options.addressResyncMs })
      : undefined;
  return {
    cache,
    namespaces,
    links,
    tasks: [
      { name: 'host links', run: (signal) => links.start(signal).then(() => untilAborted(signal)) },
      ...(cache ? [{ name: 'CNI cache', run: (signal: AbortSignal) => cache.start(signal) }] : []),
      ...(namespaces ? [{ name: 'pod namespaces', run: (signal: AbortSignal) => namespaces.start(signal) }] : []),
    ],
    faults: () => [
      ...(cache?.synced === false ? ['the CNI cache has not been read yet'] : []),
      ...(namespaces === undefined ? [] : namespaceFaults(namespaces, clock.now())),
    ],
  };
}

/** A namespace that has only just appeared is no fault: on a busy node there is always one. */
function namespaceFaults({ scanned, hiddenSince }: PodNamespaces, now: number): string[] {
  if (!scanned) return ['the folder of network namespaces has not been read yet'];
  const lastingMs = hiddenSince === undefined ? 0 : now - hiddenSince;
  return lastingMs <= HIDDEN_MS ? [] : ['the network namespaces of the pods have not all been read yet'];
}

/** The links are read when somebody asks; there is nothing to run in between. */
function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
