import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { EniId } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';

/** One address in a call that EC2 has accepted, and what the ledger said of it before the call. */
export interface AcceptedAddress {
  readonly address: IpAddress;
  readonly eni: EniId;
  readonly before: LedgerEntry | undefined;
  /** EC2 had accepted it for us on this ENI so short a time ago that describes which do not show it may lag. */
  readonly justAccepted?: boolean;
}

/**
 * Whose an address is after EC2 has accepted our call: `held` is ours to release one day, `found` never is. Ours is what the answer says
 * it assigned, and what was ours on this ENI before: a call that was asked already and had no answer may have been done, and an address that
 * seemed lost a moment later, because describes lagged, was here all the time. Anything else was there first: somebody put it on the ENI by hand.
 *
 * An answer that does not say what it assigned (`assigned` undefined; EC2's own always says) is taken at its word: the call asked for what no describe
 * showed here. Otherwise nothing would ever be released where the server of the protocol leaves the list out.
 */
export function ownershipAfter(
  { address, eni, before, justAccepted = false }: AcceptedAddress,
  assigned: readonly IpAddress[] | undefined,
): 'held' | 'found' {
  const here = before?.eni === eni ? before.state : undefined;
  if (here === 'held' || here === 'assigning') return 'held';
  if (here === 'lost' && before?.notOurs === undefined && justAccepted) return 'held';
  const ours = assigned?.includes(address) ?? (here !== 'found' && before?.notOurs === undefined);
  return ours ? 'held' : 'found';
}
