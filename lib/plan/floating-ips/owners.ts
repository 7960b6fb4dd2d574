import type { FloatingIp } from '../../model/floating-ips/floating-ip.ts';
import type { FloatingIpView, FloatingSnapshot } from '../../model/floating-ips/plan.ts';
import type { IpAddress } from '../../model/ip.ts';
import { isOurs, leaseStateOf } from './lease-state.ts';

/** The object that has each address. */
export type Owners = ReadonlyMap<IpAddress, FloatingIp>;

/** A snapshot with what follows from all its objects together. */
export interface FloatingContext extends FloatingSnapshot {
  readonly owners: Owners;
  /** Addresses of the objects that this node serves. */
  readonly servedHere: ReadonlySet<IpAddress>;
}

export function contextOf(snapshot: FloatingSnapshot): FloatingContext {
  const owners = ownersOf(snapshot.items);
  const ours = new Set(snapshot.items.filter((view) => isOurs(leaseStateOf(view, snapshot))).map(({ ip }) => ip.name));
  const served = [...owners].filter(([, { name }]) => ours.has(name)).map(([address]) => address);
  return { ...snapshot, owners, servedHere: new Set(served) };
}

/**
 * Of several objects with one address the oldest has it, on every node alike: creation time, then uid. An object that nobody serves,
 * because its spec makes no sense, keeps no address from others.
 */
export function ownersOf(items: readonly FloatingIpView[]): Owners {
  const oldestFirst = items
    .filter(({ deletedAt, ip }) => deletedAt === undefined && ip.faults.length === 0)
    .map(({ ip }) => ip)
    .toSorted((a, b) => compare(a.createdAt, b.createdAt) || compare(a.uid, b.uid));
  const owners = new Map<IpAddress, FloatingIp>();
  for (const ip of oldestFirst)
    for (const { address } of ip.addresses) if (!owners.has(address)) owners.set(address, ip);
  return owners;
}

/** The other object that has the address; undefined when it is this one's or nobody's. */
export function otherOwner(address: IpAddress, { name }: FloatingIp, owners: Owners): FloatingIp | undefined {
  const owner = owners.get(address);
  return owner?.name === name ? undefined : owner;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
