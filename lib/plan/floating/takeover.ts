import type { EniId } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

/** Where EC2 has an address at the moment. */
export interface Holder {
  readonly eni: EniId;
  /** A primary address never moves. */
  readonly primary: boolean;
}

export interface TakeoverRequest {
  readonly address: IpAddress;
  /** Ours. */
  readonly eni: EniId;
  /** Who had it when this takeover was first asked for: an ENI, or empty for nobody. Undefined at the first try. */
  readonly from: EniId | undefined;
}

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
 * the address after us keeps it. Each acquisition has the right to one takeover, not to as many as it has tries.
 */
export function judgeTakeover({ address, eni, from }: TakeoverRequest, holder: Holder | undefined): Takeover {
  if (holder === undefined) return { kind: 'take' };
  if (holder.eni === eni) return { kind: 'here' };
  if (from !== undefined && holder.eni !== from) return { kind: 'lost', holder: holder.eni };
  if (holder.primary) {
    const message = `${address} is the primary address of ${holder.eni}, which never moves`;
    return { kind: 'refused', refusal: { reason: 'PrimaryAddress', message, address } };
  }
  return { kind: 'take' };
}
