import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Pod } from '../../lib/model/pod.ts';

/** What the engine for Elastic IPs sees of the rest. */
export interface EipSurroundingsNow {
  readonly pods: readonly Pod[];
  readonly podsKnown: boolean;
  readonly enis: readonly Eni[];
  readonly describedAt: number | undefined;
  readonly addresses: readonly ClaimStatus[];
  /** False while not every source of private addresses has been seen: the absence of one in `addresses` then means nothing. */
  readonly addressesComplete: boolean;
  /** See `EipSnapshot.leaving`. */
  readonly leaving: ReadonlySet<IpAddress>;
}
