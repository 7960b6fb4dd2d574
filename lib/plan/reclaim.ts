import type { DeletionPolicy, Ending } from '../model/retention.ts';

/** What becomes of what a deleted object had: it goes, it stays for the reason given, or the object's ending must be asked for first. */
export type Reclaim = 'released' | 'unknown' | { readonly retained: string };

/** The deletion policy outweighs how the object came to its end. */
export function reclaimOf(policy: DeletionPolicy | undefined, ending: Ending | undefined): Reclaim {
  if (policy === 'Release') return 'released';
  if (policy === 'Retain') return { retained: 'its deletion policy is Retain' };
  if (ending === undefined) return 'unknown';
  if (ending === 'object') return 'released';
  return { retained: ending === 'namespace' ? 'its namespace is being deleted' : 'its definition is being deleted' };
}
