import type { EniId, Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { PodRef } from '../pod.ts';
import type { TableSelector } from '../routed-ips/declaration.ts';

/**
 * How an address came to be wanted:
 * `ipam` listed by network-status or the CNI cache; `floating` declared by annotation and present on the interface;
 * `live` present on a Multus interface but declared nowhere.
 */
export type ClaimKind = 'ipam' | 'floating' | 'live';

/** One use of one address by one interface of one pod on this node. */
export interface Claim {
  readonly address: IpAddress;
  readonly kind: ClaimKind;
  readonly holder: PodRef;
  readonly interface: string;
  /** The pod interface's MAC: an ipvlan child has its master's, which is an ENI's. */
  readonly mac: Mac | undefined;
  /** MAC of the host interface under the pod's (the attachment's `master`, or the kernel's parent link). */
  readonly masterMac: Mac | undefined;
  /** Type of the CNI plugin that made the interface, where a source says it. */
  readonly plugin?: string;
  /** When the address appeared here, in ms since the epoch. Kept over restarts by the ledger. */
  readonly since: number;
  /** Found in place when the agent started, which is not an appearance: it has no right to a takeover. */
  readonly inPlace?: true;
  /** `ipam` by the pod's network-status alone, which its owner may write: it is asked for, and never taken from another ENI. */
  readonly unconfirmed?: true;
  /**
   * Set on a `live` claim whose pod waits for more networks than are known (the CNI result is about to make it `ipam`), and on an
   * unconfirmed one. Until this time (ms since the epoch) no refusal is reported and no pause begins.
   */
  readonly provisionalUntil?: number;
  /** Set when route tables, these, lead the address here: then no ENI has it. */
  readonly routed?: readonly TableSelector[];
  /** Set when a Lease says that this node has the address: nobody else can have added it since. With `inPlace`: the hold is in doubt. */
  readonly leased?: true;
  /** For people: the ENI that served the address last, as its object says. */
  readonly servedBefore?: EniId;
  /** Set while the address comes and goes: nothing is asked of EC2 for it before this time, ms since the epoch. */
  readonly calmAt?: number;
}

/** Identity of a claim: the same pod, interface and address. A recreated pod has a new uid, so its claim is new. */
export type ClaimKey = string;

export function claimKey(claim: Pick<Claim, 'address' | 'interface'> & { holder: PodRef }): ClaimKey {
  const { holder } = claim;
  return `${holder.uid || `${holder.namespace}/${holder.name}`}|${claim.interface}|${claim.address}`;
}

/**
 * Identity of attempts at a claim. A claim that becomes declared (`live` → `floating`) or confirmed, and an address that appears again, start with
 * a clean slate: failover must not wait for the end of an earlier failure's pause.
 */
export function attemptKey(claim: Claim): string {
  return `${claimKey(claim)}|${claim.kind}${claim.unconfirmed ? '?' : ''}|${claim.since}`;
}

/** What to add to a message about an unconfirmed claim that another ENI's address is refused to; empty for others. */
export function whyUnconfirmed({ unconfirmed, interface: on }: Claim): string {
  if (!unconfirmed) return '';
  return `; it is not taken over because only the pod's network-status lists it: neither the CNI result nor ${on} in the pod has it`;
}
