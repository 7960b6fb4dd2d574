import type { NodeOptions } from '../../lib/config/options.ts';
import { netnsName } from '../../lib/model/addresses/cni.ts';
import { podKey } from '../../lib/model/pod.ts';
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
  /** What looks wrong but keeps nobody from being served, because another source says the same. */
  readonly notes: () => readonly string[];
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
      ...(cache?.faults() ?? []),
      ...(namespaces === undefined ? [] : namespaceFaults(namespaces, clock.now())),
    ],
    notes: () => [
      // Before its first pod a node need not have one.
      ...(cache?.isMissing && namespaces?.namespaces().length !== 0
        ? [`none of the CNI cache folders exists (${options.cniCacheDirs.join(', ')}): ${LATER}`]
        : []),
      ...unseenMounts(options.netnsDir, cache, namespaces),
    ],
  };
}

/** A namespace that has only just appeared is not a fault: on a busy node there is always one. */
function namespaceFaults(namespaces: PodNamespaces, now: number): readonly string[] {
  const { scanned, hiddenSince } = namespaces;
  const lastingMs = hiddenSince === undefined ? 0 : now - hiddenSince;
  return scanned && namespaces.isReadable && lastingMs <= HIDDEN_MS ? [] : namespaces.faults();
}

const LATER = 'addresses are learnt from network-status and the kernel until a CNI plugin writes there';

/**
 * Pods whose network namespace is said to be in our folder, where only the empty file is seen that it is mounted on. A file that was
 * left behind together with its cache entry looks the same; it harms nobody.
 */
function unseenMounts(dir: string, cache: CniCache | undefined, namespaces: PodNamespaces | undefined): string[] {
  const hollow = namespaces?.hollow() ?? new Set();
  if (hollow.size === 0) return [];
  const unseen = (cache?.attachments() ?? []).filter(
    ({ netns }) => netns !== undefined && hollow.has(netnsName(netns)),
  );
  const pods = [...new Set(unseen.map(({ pod }) => podKey(pod)))];
  if (pods.length === 0) return [];
  const shown = pods.slice(0, 3).join(', ') + (pods.length > 3 ? `, and ${pods.length - 3} more` : '');
  return [
    `the network namespaces of ${shown} are not mounted in ${dir}; mount it with mountPropagation: HostToContainer, from a shared mount of the host`,
  ];
}

/** The links are read when somebody asks; there is nothing to run in between. */
function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
