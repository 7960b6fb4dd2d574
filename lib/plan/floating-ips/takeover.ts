import { type AddressHolder, type InstanceOwner, type OwnClusters, whyNotTake } from '../../model/addresses/holder.ts';
import type { EniId } from '../../model/eni.ts';
import type { Protection } from '../../model/eni-protection.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

export interface TakeoverRequest {
  readonly address: IpAddress;
  /** Ours. */
  readonly eni: EniId;
  /** Who had it when this takeover was first asked for: an ENI, or empty for nobody. Undefined at the first try. */
  readonly from: EniId | undefined;
  /** An operator has put the service on such ENIs by name (`spec.interface`, NODEPORT_IP): there is where its last holder has it. */
  readonly onProtected: boolean;
}

/** From these an address may be taken that an operator has put there knowingly. */
const KNOWINGLY: readonly Protection[] = ['primary', 'vpc-cni'];

/**
 * `here` EC2 has it on our ENI already; `take` it may be taken over; `lost` somebody else took it after we first asked, perhaps from us;
 * `refused` it may not be taken at all.
 */
export type Takeover =
  | { readonly kind: 'here' | 'take' }
  | { readonly kind: 'lost'; readonly holder: EniId }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * What the holder of an address means for a takeover. Asked before every try: an answer may have been lost or come late, and whoever took
 * the address after us keeps it. Each acquisition has the right to one takeover, not to as many as it has tries. From a protected ENI nothing is
 * taken, but for addresses that an operator has put on such ENIs by name: there the last holder of the same service has it, as a secondary
 * address, on an instance of this cluster.
 */
export function judgeTakeover(
  { address, eni, from, onProtected }: TakeoverRequest,
  holder: AddressHolder | undefined,
  owner: InstanceOwner | undefined,
  own: OwnClusters,
): Takeover {
  if (holder === undefined) return { kind: 'take' };
  if (holder.eni === eni) return { kind: 'here' };
  if (from !== undefined && holder.eni !== from) return { kind: 'lost', holder: holder.eni };
  // An address that an operator has named is not kept from a node because the role may not look at instances.
  const told = owner === 'forbidden' ? 'unanswered' : owner;
  const refusal = whyNotTake(address, holder, told, own, onProtected ? KNOWINGLY : []);
  if (refusal !== undefined) return { kind: 'refused', refusal };
  return { kind: 'take' };
}
