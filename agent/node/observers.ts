import type { NodeOptions } from '../../lib/config/options.ts';
import { CniCache } from '../../lib/net/cni-cache.ts';
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

type ObserverOptions = Pick<NodeOptions, 'observe' | 'cniCacheDirs' | 'netnsDir' | 'addressResyncMs'>;

/** The observers that this level of `--observe` asks for: each level needs fewer privileges than the next. */
export function openObservers(options: ObserverOptions, { clock, log, onChange }: ObserverParts): Observers {
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const cache =
    options.observe === 'annotations' ? undefined : new CniCache({ folders: options.cniCacheDirs, clock, onChange, onProblem });
  return {
    cache,
    namespaces: undefined,
    links: { links: () => [] },
    tasks: cache ? [{ name: 'CNI cache', run: (signal) => cache.start(signal) }] : [],
    faults: () => (cache?.synced === false ? ['the CNI cache has not been read yet'] : []),
  };
}
