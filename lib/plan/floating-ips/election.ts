import type { FloatingIp } from '../../model/floating-ips/floating-ip.ts';
import type { FloatingSnapshot } from '../../model/floating-ips/plan.ts';

/** However much a node holds already: a dead node must be replaced in time. */
const LONGEST_LOAD_DELAY_MS = 1_000;
const JITTER_MS = 100;
/** Preferred nodes in order, this far apart. */
const RANK_MS = 100;

/**
 * How long this node waits before it takes a free object, ms. Nodes need not talk about who is best: the best one is simply first.
 * @param load objects that this node holds or is about to take
 */
export function electionDelay(ip: FloatingIp, load: number, { node, timing, jitter }: FloatingSnapshot): number {
  const rank = ip.preferredNodes.indexOf(node.name);
  const behind =
    ip.preferredNodes.length === 0 ? 0 : rank < 0 ? timing.preferMs : Math.min(rank * RANK_MS, timing.preferMs);
  return behind + Math.min(load * timing.spreadMs, LONGEST_LOAD_DELAY_MS) + jitter * JITTER_MS;
}

/**
 * The order in which this node looks at several free objects: each node begins with another one, so that a cluster that starts shares
 * them out instead of racing for the same one.
 */
export function electionOrder<T>(items: readonly T[], nodeName: string, nameOf: (item: T) => string): readonly T[] {
  return items
    .map((item) => ({ item, rank: hash(`${nodeName}/${nameOf(item)}`), name: nameOf(item) }))
    .toSorted((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ item }) => item);
}

/** FNV-1a, and a final mix so that names that differ in their last letter land far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 15)) >>> 0;
}
