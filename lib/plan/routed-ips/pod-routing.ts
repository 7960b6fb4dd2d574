import type { LiveInterface } from '../../model/addresses/observation.ts';
import type { Eni } from '../../model/eni.ts';
import { type Cidr, familyOf, firstHostOf, type IpAddress } from '../../model/ip.ts';
import type { PodRouting } from '../../model/routed-ips/pod-routing.ts';

export interface PodRoutingInput {
  /** The pod's Multus interfaces. */
  readonly interfaces: readonly LiveInterface[];
  readonly enis: readonly Eni[];
  readonly routed: ReadonlySet<IpAddress>;
  readonly useSbr: boolean;
  /** By the order of the names of those interfaces that have an ENI. */
  readonly peers: readonly (readonly Cidr[])[];
}

/** The sample counts from here; the ENI's device number is added. */
const FIRST_TABLE = 100;

/**
 * Source-based routing as AWS's Multi-AZ sample set it up: packets from a routed address leave by the interface that has it, through the
 * gateway of the ENI's subnet (its first host, on link); peers are reached by the interface for which they are listed.
 */
export function podRouting({ interfaces, enis, routed, useSbr, peers }: PodRoutingInput): readonly PodRouting[] {
  return interfaces
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((each) => {
      const eni = enis.find(({ mac }) => mac === each.mac);
      return eni === undefined ? [] : [{ each, eni }];
    })
    .flatMap(({ each, eni }, index) => routingOf(each, eni, { routed, useSbr, peers: peers[index] ?? [] }));
}

function routingOf(
  { name: device, addresses }: LiveInterface,
  eni: Eni,
  {
    routed,
    useSbr,
    peers,
  }: { readonly routed: ReadonlySet<IpAddress>; readonly useSbr: boolean; readonly peers: readonly Cidr[] },
): PodRouting[] {
  const table = FIRST_TABLE + eni.deviceIndex;
  const own = useSbr ? addresses.map(({ ip }) => ip).filter((address) => routed.has(address)) : [];
  const gateway = (family: 4 | 6) => {
    const subnet = eni.cidrs.find((each) => familyOf(each) === family);
    return subnet && firstHostOf(subnet);
  };
  const families = [...new Set(own.map(familyOf))];
  const defaults = families.flatMap((family): PodRouting[] => {
    const via = gateway(family);
    return via === undefined ? [] : [{ kind: 'route', to: undefined, family, via, device, table }];
  });
  const toPeers = peers.flatMap((to): PodRouting[] => {
    const via = gateway(familyOf(to));
    return via === undefined ? [] : [{ kind: 'route', to, family: familyOf(to), via, device, table: undefined }];
  });
  return [...defaults, ...own.map((from): PodRouting => ({ kind: 'rule', from, table })), ...toPeers];
}
