import type { EniAddress } from '../../model/eni.ts';
import type { IpAddress } from '../../model/ip.ts';

export interface AddressPlan {
  /** The object's addresses, the primary first; each keeps its place while it stays. */
  readonly own: readonly IpAddress[];
  /** How many more secondaries to ask EC2 for. */
  readonly assign: number;
  readonly unassign: readonly IpAddress[];
}

/**
 * Compares an interface's secondaries with the number that the object wants.
 *
 * The node's agent may put addresses of pods on the same interface: those are not the object's. Its own are the ones that its status
 * lists; where some are missing, unlisted idle ones fill the gap first (a status that got lost). Of a surplus, the last go first, and
 * never one that has an EIP or is in use: the number then stays too high until it is free.
 */
export function planAddresses(
  wanted: number,
  recorded: readonly IpAddress[],
  present: readonly EniAddress[],
  inUse: ReadonlySet<IpAddress>,
): AddressPlan {
  const primary = present.filter(({ primary: isPrimary }) => isPrimary).map(({ ip }) => ip);
  const secondaries = present.filter(({ primary: isPrimary }) => !isPrimary);
  const listed = recorded.filter((address) => secondaries.some(({ ip }) => ip === address));
  const strangers = secondaries
    .map(({ ip }) => ip)
    .filter((address) => !listed.includes(address) && !inUse.has(address));
  const adopted = strangers.slice(0, Math.max(0, wanted - listed.length));
  const own = [...listed, ...adopted];
  const isIdle = (address: IpAddress) =>
    !inUse.has(address) && secondaries.every(({ ip, association }) => ip !== address || association === undefined);
  const surplus = Math.max(0, own.length - wanted);
  return {
    own: [...primary, ...own],
    assign: Math.max(0, wanted - own.length),
    unassign: surplus === 0 ? [] : own.filter(isIdle).slice(-surplus),
  };
}
