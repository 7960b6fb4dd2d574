import type { LiveInterface } from '../../model/addresses/observation.ts';
import { type IpAddress, isGlobalUnicast } from '../../model/ip.ts';
import type { PodRef } from '../../model/pod.ts';
import type { ClaimDraft } from './claims.ts';

/** What a process inside a pod knows of its pod. */
export interface OwnPod {
  readonly ref: PodRef;
  /** The primary network's addresses, never claimed. */
  readonly podIps: readonly IpAddress[];
  readonly interfaces: (name: string) => boolean;
}

/**
 * The claims of a pod about itself. Whoever put the container into the pod wants its addresses to work, so all of them may be taken
 * over, as the scripts did that this replaces.
 */
export function ownClaims(
  interfaces: readonly LiveInterface[],
  { ref, podIps, interfaces: wanted }: OwnPod,
): ClaimDraft[] {
  return interfaces
    .filter(({ name }) => wanted(name))
    .flatMap(({ name, mac, addresses }) =>
      addresses
        .filter(({ ip }) => isGlobalUnicast(ip) && !podIps.includes(ip))
        .map(({ ip, since }) => ({
          address: ip,
          kind: 'floating' as const,
          holder: ref,
          interface: name,
          mac,
          masterMac: undefined,
          seenSince: since,
        })),
    );
}
