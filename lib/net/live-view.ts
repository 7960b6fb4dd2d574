import type { LiveAddress, LiveInterface } from '../model/addresses/observation.ts';
import type { IpAddress } from '../model/ip.ts';
import type { KernelLink } from './addresses.ts';
import { isUsable } from './addresses.ts';

export interface SeenAddress extends LiveAddress {
  readonly prefixLength: number;
}

export interface SeenInterface extends LiveInterface {
  readonly ifindex: number;
  /** Absent without any. */
  readonly altNames?: readonly string[];
  readonly addresses: readonly SeenAddress[];
}

/** One address on one interface of one namespace. */
export type Spot = string;

export function spotOf(ifindex: number, ip: IpAddress): Spot {
  return `${ifindex} ${ip}`;
}

/**
 * What was just read, with the time of each address carried over from what was seen before. Unusable addresses, and those at
 * `except`, are left out: they were deleted while the read was under way.
 */
export function seenAt(
  now: number,
  links: readonly KernelLink[],
  before: readonly SeenInterface[],
  except: ReadonlySet<Spot> = new Set(),
): readonly SeenInterface[] {
  const since = new Map(
    before.flatMap((link) =>
      link.addresses.map((address) => [spotOf(link.ifindex, address.ip), address.since] as const),
    ),
  );
  const hostSide = hostNetnsOf(links);
  return links
    .filter((link) => link.name !== 'lo')
    .map((link) => ({
      ifindex: link.ifindex,
      name: link.name,
      mac: link.mac,
      ...(link.altNames.length > 0 && { altNames: link.altNames }),
      parentIndex: link.parentNetns !== undefined && link.parentNetns === hostSide ? link.parentIndex : undefined,
      addresses: link.addresses
        .filter((address) => isUsable(address) && !except.has(spotOf(link.ifindex, address.ip)))
        .map(({ ip, prefixLength }) => ({ ip, prefixLength, since: since.get(spotOf(link.ifindex, ip)) ?? now })),
    }));
}

/** An address that the kernel says is new on a link. */
export interface Addition {
  readonly ifindex: number;
  readonly address: SeenAddress;
}

/** The same view with one address more; unchanged when it is there already or the link is not known. */
export function withAddition(view: readonly SeenInterface[], { ifindex, address }: Addition): readonly SeenInterface[] {
  return view.map((link) =>
    link.ifindex !== ifindex || link.addresses.some(({ ip }) => ip === address.ip)
      ? link
      : { ...link, addresses: [...link.addresses, address] },
  );
}

/** The same view without one address. */
export function withoutSpot(view: readonly SeenInterface[], gone: Spot): readonly SeenInterface[] {
  return view.map((link) => ({
    ...link,
    addresses: link.addresses.filter((address) => spotOf(link.ifindex, address.ip) !== gone),
  }));
}

/**
 * The id by which a pod's namespace knows the host's: that of its parents. When links lead into several namespaces (a pod that
 * makes its own), only eth0 can be trusted to lead to the host; without it nothing is known, and no parent is reported.
 */
function hostNetnsOf(links: readonly KernelLink[]): number | undefined {
  const ids = new Set(links.map((link) => link.parentNetns).filter((id) => id !== undefined));
  return ids.size <= 1 ? [...ids][0] : links.find((link) => link.name === 'eth0')?.parentNetns;
}
