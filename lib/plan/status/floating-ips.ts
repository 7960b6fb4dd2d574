import { type FloatingIp, READY, type RouteTableStatus } from '../../model/floating-ips/floating-ip.ts';
import type { AddressStatus, FloatingIpState, RouteStatus } from '../../model/status/cluster-status.ts';
import { order } from './agents.ts';

/** Each FloatingIP with its holder, by name. */
export function floatingIpStates(objects: readonly FloatingIp[]): FloatingIpState[] {
  return objects.map(stateOf).toSorted((a, b) => order(a.name, b.name));
}

function stateOf(object: FloatingIp): FloatingIpState {
  const { name, addresses, status, generation } = object;
  const ready = status.conditions.find(({ type }) => type === READY);
  const stale = ready !== undefined && ready.observedGeneration < generation;
  return {
    name,
    addresses: addresses.map(({ address }) => address),
    node: status.node,
    ...(status.networkInterfaceId !== '' && { eni: status.networkInterfaceId }),
    ...(status.publicIp !== '' && { publicIp: status.publicIp }),
    ...(status.since !== '' && { since: status.since }),
    ...(object.routeTables.length > 0 && { routes: status.routeTables.map(routeOf) }),
    served: ready?.status === 'True' && status.node !== '',
    reason: ready?.reason ?? 'Pending',
    message:
      ready === undefined
        ? 'no node has served it yet'
        : `${ready.message}${stale ? ' (the spec has changed since)' : ''}`,
  };
}

function routeOf({ table, state, reason }: RouteTableStatus): RouteStatus {
  return { table, state, ...(reason !== '' && { reason }) };
}

/** The addresses of FloatingIPs in the form of all others. */
export function floatingAddresses(states: readonly FloatingIpState[]): AddressStatus[] {
  return states.flatMap(({ name, addresses, node, eni, served, reason, message, publicIp, routes }) =>
    addresses.map((address, index): AddressStatus => {
      const state = served ? 'assigned' : reason === 'Pending' ? 'pending' : 'refused';
      return {
        address,
        holder: `FloatingIP ${name}`,
        node,
        state,
        kind: 'floating',
        ...(eni !== undefined && { eni }),
        ...(!served && { reason, message }),
        ...(publicIp !== undefined && index === 0 && { publicIp }),
        ...(routes !== undefined && { routes }),
      };
    }),
  );
}
