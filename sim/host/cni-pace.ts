import { setTimeout as sleep } from 'node:timers/promises';

/** What lies between the steps of CNI ADD on a real node, ms (FACTS §12). */
const PACE = {
  /** The plugin has added the address, which the kernel tells → libcni has written the result into the cache. */
  'kernel to cache': [10, 60],
  /** The cache file → Multus' PATCH of network-status. */
  'cache to status': [5, 50],
} as const;

/** Lets as much time pass as a real node takes for this part of CNI ADD: uneven, so that no timer of ours is met by chance. */
export async function pace(part: keyof typeof PACE): Promise<void> {
  const [least, most] = PACE[part];
  await sleep(least + (most - least) * Math.random());
}
