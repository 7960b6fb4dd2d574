import { type AddressHolder, type InstanceOwner, type OwnClusters, whyNotTake } from '../../model/addresses/holder.ts';
import type { EniId } from '../../model/eni.ts';
import type { Protection } from '../../model/eni-protection.ts';
import type { Placement } from '../../model/floating-ips/plan.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

export interface TakeoverRequest {
  readonly address: IpAddress;
  /** Ours. */
  readonly eni: EniId;
  /** Who had it when this takeover was first asked for: an ENI, or empty for nobody. Undefined at the first try. */
  readonly from: EniId | undefined;
  /** Others may have had it after us until a moment ago: a look that shows it here may be older than that. See {@link mayHaveLeft}. */
  readonly mayHaveLeft: boolean;
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

/** How long EC2's describes may lag behind its answers, ms. */
const SETTLING_MS = 10_000;

export interface Stay {
  /** Ours. */
  readonly eni: EniId;
  /** Who had the address at the first try of this acquisition; undefined: this is the first. */
  readonly from: EniId | undefined;
  /** EC2 gave it to this ENI in the acquisition right before this one, so that nobody else has had the Lease in between. */
  readonly isOurs: boolean;
  /** How long this node has had the right to the address, ms. */
  readonly heldMs: number;
}

/**
 * Whether an address that a look shows on our own ENI may be somewhere else: it moved away and the right to it came back sooner than EC2's
 * describes show. The call that asks for it once more does not lag, and changes nothing if it is here.
 */
export function mayHaveLeft({ eni, from, isOurs, heldMs }: Stay): boolean {
  const wasSeenElsewhere = from !== undefined && from !== eni;
  return !wasSeenElsewhere && !isOurs && heldMs < SETTLING_MS;
}

/**
 * What the holder of an address means for a takeover. Asked before every try: an answer may have been lost or come late, and whoever took
 * the address after us keeps it. Each acquisition has the right to one takeover, not to as many as it has tries. From a protected ENI nothing is
 * taken, but for addresses that an operator has put on such ENIs by name: there the last holder of the same service has it, as a secondary
 * address, on an instance of this cluster.
 */
export function judgeTakeover(
  { address, eni, from, mayHaveLeft, onProtected }: TakeoverRequest,
  holder: AddressHolder | undefined,
  owner: InstanceOwner | undefined,
  own: OwnClusters,
): Takeover {
  if (holder === undefined) return { kind: 'take' };
  if (holder.eni === eni) return { kind: mayHaveLeft ? 'take' : 'here' };
  if (from !== undefined && holder.eni !== from) return { kind: 'lost', holder: holder.eni };
  // An address that an operator has named is not kept from a node because the role may not look at instances.
  const known = owner === 'forbidden' ? 'unanswered' : owner;
  const refusal = whyNotTake(address, holder, known, own, onProtected ? KNOWINGLY : []);
  if (refusal !== undefined) return { kind: 'refused', refusal };
  return { kind: 'take' };
}

export interface OneCall {
  readonly places: readonly Placement[];
  /** Which ENI has each of the addresses; undefined when nobody has them, so that nothing is taken by force. */
  readonly held: ReadonlyMap<IpAddress, EniId> | undefined;
}

/** What can be asked for in one call: by force or not, and from others or only to confirm. The rest waits for the next step. */
export function oneCall(places: readonly Placement[], takeFrom: ReadonlyMap<IpAddress, EniId> | undefined): OneCall {
  const holderOf = ({ address }: Placement) => takeFrom?.get(address) ?? '';
  const held = places.filter((place) => holderOf(place) !== '');
  if (held.length === 0) return { places, held: undefined };
  const elsewhere = held.filter((place) => holderOf(place) !== place.eni);
  const chosen = elsewhere.length > 0 ? elsewhere : held;
  return { places: chosen, held: new Map(chosen.map((place) => [place.address, holderOf(place)])) };
}
