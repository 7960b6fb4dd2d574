import { AMAZON_POOL, type ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';

/** Elastic IPs of the account that count towards the quota: not those of own (BYOIP) pools, nor those that a service holds. */
export function countedElasticIps(eips: readonly ElasticIp[]): number {
  return eips.filter(({ pool, serviceManaged }) => pool === AMAZON_POOL && !serviceManaged).length;
}

export type QuotaLevel = 'fine' | 'near' | 'reached';

/** Share of the quota from which on people should know. */
const NEAR = 0.9;

export function quotaLevel(used: number, allowed: number): QuotaLevel {
  if (used >= allowed) return 'reached';
  return used >= allowed * NEAR ? 'near' : 'fine';
}
