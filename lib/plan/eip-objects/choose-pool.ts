import type { PublicIpPool } from '../../model/elastic-ips/elastic-ip.ts';

/**
 * Of the pools that an object names the one with most free addresses; the earlier named when equal. Pools that EC2 does not list
 * (Amazon's own is none of them) count as empty, so with nothing better the first is tried and EC2 says what is wrong with it.
 */
export function choosePool(named: readonly string[], known: readonly PublicIpPool[]): string | undefined {
  const free = (id: string) => known.find((pool) => pool.id === id)?.available ?? 0;
  return named.toSorted((a, b) => free(b) - free(a))[0];
}
