import type { NadCache } from '../../lib/kube/nads.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import { masterOf, pluginOf } from '../../lib/model/addresses/cni.ts';
import { FLOATING_IPS } from '../../lib/model/addresses/floating-declaration.ts';
import { IGNORE } from '../../lib/model/addresses/ignored-networks.ts';
import { ipamRangesOf } from '../../lib/model/addresses/ipam-range.ts';
import { parseNetworkStatus } from '../../lib/model/addresses/network-status.ts';
import type { AttachmentDefinition, CachedAttachment, LiveNamespace } from '../../lib/model/addresses/observation.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { ROUTE_TABLES, ROUTED_IPS } from '../../lib/model/routed-ips/declaration.ts';
import type { FileRefusal } from '../../lib/net/cni-cache.ts';
import { type ClaimFilter, type HostLinks, observeClaims } from '../../lib/plan/addresses/claims.ts';
import type { Observed } from '../addresses/reconciler-options.ts';

/** The three sources of truth on a node; a level of `--observe` below `live` leaves some out. */
export interface NodeSources {
  readonly pods: Pick<Reflector<Pod>, 'items' | 'synced'>;
  readonly cache:
    | { readonly synced: boolean; attachments(): readonly CachedAttachment[]; refusals(): readonly FileRefusal[] }
    | undefined;
  readonly namespaces: NamespaceSource | undefined;
  readonly links: HostLinks;
  readonly definitions: Pick<NadCache, 'peek'>;
}

interface NamespaceSource {
  /** Every namespace has been read. */
  readonly synced: boolean;
  /** All that can be hidden is what is in single namespaces. */
  readonly scanned: boolean;
  readonly hiddenSince: number | undefined;
  readonly unplaced: readonly IpAddress[];
  namespaces(): readonly LiveNamespace[];
}

/** One consistent look at all sources, joined into claims. */
export function observeNode(sources: NodeSources, filter: ClaimFilter): Observed {
  const pods = [...sources.pods.items()];
  const { drafts, refusals, unclaimed, declared, routeTables } = observeClaims(
    {
      pods,
      podsKnown: sources.pods.synced,
      cache: sources.cache?.attachments() ?? [],
      namespaces: sources.namespaces?.namespaces(),
      hostLinks: sources.links,
      definitions: knownDefinitions(pods, sources.definitions),
    },
    filter,
  );
  const { namespaces } = sources;
  const loaded = sources.pods.synced && (sources.cache?.synced ?? true) && (namespaces?.scanned ?? true);
  return {
    drafts: drafts.filter(({ routed }) => routed === undefined),
    routed: drafts.filter(({ routed }) => routed !== undefined),
    routeTables,
    refusals: withFiles(refusals, sources.cache?.refusals() ?? []),
    unclaimed,
    declared,
    // What a FloatingIP has is never released as what a pod once had.
    unplaced: [...(namespaces?.unplaced ?? []), ...(filter.nodeAddresses?.() ?? [])],
    complete: loaded && (namespaces?.synced ?? true),
    hiddenSince: loaded ? namespaces?.hiddenSince : undefined,
  };
}

/** Refusals by pod key, and those of files by their path. */
function withFiles(byPod: Observed['refusals'], files: readonly FileRefusal[]): Observed['refusals'] {
  if (files.length === 0) return byPod;
  return new Map([...byPod, ...Map.groupBy(files, ({ file }) => file)]);
}

/** The NetworkAttachmentDefinitions that a pod's interfaces came from. */
export function definitionsOf(pod: Pod): string[] {
  return parseNetworkStatus(pod.annotations)
    .value.filter((network) => !network.isDefault && network.name.includes('/'))
    .map((network) => network.name);
}

function knownDefinitions(pods: readonly Pod[], cache: Pick<NadCache, 'peek'>): Map<string, AttachmentDefinition> {
  const known = new Map<string, AttachmentDefinition>();
  for (const name of new Set(pods.flatMap(definitionsOf))) {
    const definition = cache.peek(name);
    if (definition?.state !== 'known') continue;
    known.set(name, {
      floatingIps: definition.annotations[FLOATING_IPS],
      routedIps: definition.annotations[ROUTED_IPS],
      routeTables: definition.annotations[ROUTE_TABLES],
      ipam: ipamRangesOf(definition.config),
      ignore: definition.annotations[IGNORE],
      master: masterOf(definition.config),
      plugin: pluginOf(definition.config),
    });
  }
  return known;
}
