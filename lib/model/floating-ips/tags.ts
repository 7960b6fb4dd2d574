import type { ElasticIp } from '../elastic-ips/elastic-ip.ts';

/**
 * The tags of an Elastic IP that belongs to a FloatingIP, written in the call that allocates it or before the one that binds it. The only proof of
 * ownership: what an object's status says is text that others may write. The controller's sweep releases what carries them and whose uid is gone.
 */
export const FLOATING_IP_TAG = {
  cluster: 'eni-agent.io/cluster',
  /** The object's name, for people, and for the object that comes after one whose definition was removed. */
  name: 'eni-agent.io/floating-ip',
  /** The object's uid: the owner. */
  uid: 'eni-agent.io/floating-ip-uid',
  /** `spec.elasticIP` as it was: `auto` and `auto:POOL` were allocated by us, everything else was there before. */
  source: 'eni-agent.io/source',
} as const;

export interface FloatingIpOwner {
  readonly clusterName: string;
  readonly name: string;
  readonly uid: string;
}

/** All four tags of an Elastic IP that is taken or allocated for an object. @param source `spec.elasticIP` */
export function floatingIpTags(
  { clusterName, name, uid }: FloatingIpOwner,
  source: string,
): Readonly<Record<string, string>> {
  return {
    [FLOATING_IP_TAG.cluster]: clusterName,
    [FLOATING_IP_TAG.name]: name,
    [FLOATING_IP_TAG.uid]: uid,
    [FLOATING_IP_TAG.source]: source.slice(0, MAX_TAG_VALUE),
  };
}

/** The uid of the FloatingIP of this cluster that an Elastic IP belongs to; undefined when it belongs to none. */
export function floatingIpUidOf(tags: ElasticIp['tags'], clusterName: string): string | undefined {
  const uid = tags[FLOATING_IP_TAG.uid];
  return uid !== undefined && uid !== '' && tags[FLOATING_IP_TAG.cluster] === clusterName ? uid : undefined;
}

/** True when the Elastic IP was allocated for its FloatingIP: it is released with it. False: it goes back to its pool without our tags. */
export function isAllocatedForFloatingIp(tags: ElasticIp['tags']): boolean {
  return /^auto(?:$|:)/.test(tags[FLOATING_IP_TAG.source] ?? '');
}

/** EC2's limit. */
const MAX_TAG_VALUE = 256;
