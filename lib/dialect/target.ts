import type { DialectName, EipTarget } from '../model/elastic-ips/claim.ts';
import { type Pod, podKey } from '../model/pod.ts';

/** Container runtimes give a pod's primary interface this name, always: `eth0` and "the primary address" are one target. */
export const PRIMARY_INTERFACE = 'eth0';

/** The target in words: an interface's name or an address. Different targets have different texts. */
export function targetText(target: EipTarget): string {
  switch (target.kind) {
    case 'primary':
      return PRIMARY_INTERFACE;
    case 'interface':
      return target.name;
    case 'address':
      return target.address;
  }
}

/** See `ElasticIpClaim.id`: without the pod's uid, so that the pod of the same name that comes next continues the claim. */
export function claimId(dialect: DialectName, pod: Pod, target: EipTarget): string {
  return `${dialect}|${podKey(pod)}|${targetText(target)}`;
}
