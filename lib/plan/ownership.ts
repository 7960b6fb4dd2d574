import type { EniId } from '../model/eni.ts';
import type { IpAddress } from '../model/ip.ts';
import type { LedgerEntry } from '../model/ledger.ts';

/** One address in a call that EC2 has accepted, and what the ledger said of it before the call. */
export interface AcceptedAddress {
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly before: LedgerEntry | undefined;
}

/**
 * Whose an address is after EC2 has accepted our call: `held` is ours to release one day, `found` never is. Ours is what the answer says
 * it assigned, and what was ours on this ENI before (a call that was asked already and had no answer may have been done). Anything else
 * was there first: somebody put it on the ENI by hand. An answer that does not say what it assigned proves nothing.
 */
export function ownershipAfter(
  { address, eni, before }: AcceptedAddress,
  assigned: readonly IpAddress[] | undefined,
): 'held' | 'found' {
  const wasOurs = before?.eni === eni && (before.state === 'held' || before.state === 'assigning');
  return wasOurs || assigned?.includes(address) === true ? 'held' : 'found';
}
