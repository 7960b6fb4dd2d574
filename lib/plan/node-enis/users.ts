import type { NetworkInterface } from '../../model/network-interface.ts';
import type { InterfaceUser } from '../../model/node-enis/plan.ts';

/** Who keeps an interface: pods that name it or may come to use it, and secondary addresses that EC2 still shows on it. In words, for texts. */
export function usersOfInterface(own: NetworkInterface, pods: readonly InterfaceUser[]): readonly string[] {
  const users = pods.filter(({ uses }) => uses.has(own.id) || uses.has(own.mac) || uses.has('*'));
  const secondaries = own.addresses.filter(({ primary }) => !primary).map(({ ip }) => ip);
  const addresses = secondaries.length === 0 ? [] : [`assigned addresses (${secondaries.join(', ')})`];
  return [...users.map(({ pod }) => pod).sort(), ...addresses];
}
