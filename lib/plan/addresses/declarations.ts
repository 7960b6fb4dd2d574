import {
  declares,
  FLOATING_IPS,
  listable,
  names,
  parseFloatingIps,
} from '../../model/addresses/floating-declaration.ts';
import type { AttachmentDefinition } from '../../model/addresses/observation.ts';
import type { IpAddress } from '../../model/ip.ts';
import { type NetworkStatus, type Pod, type PodRef, podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import { parseRoutedIps, ROUTE_TABLES, ROUTED_IPS, type TableSelector } from '../../model/routed-ips/declaration.ts';
import type { Reserved } from './reserved.ts';

/** What a pod and the definitions of one of its networks declare about addresses that the pod gives itself. */
export interface Declarations {
  readonly floats: (address: IpAddress) => boolean;
  /** The route tables that lead the address here; undefined: it is not routed. */
  readonly routedBy: (address: IpAddress) => readonly TableSelector[] | undefined;
  /** Floating addresses, as far as they can be listed. */
  readonly declared: readonly IpAddress[];
  readonly routeTables: readonly TableSelector[];
  readonly refusals: readonly Refusal[];
}

/** Reads the annotations of the pod and of the definitions of these networks. An address that is both is routed. */
export function declarationsOf(
  { ref, pod }: { readonly ref: PodRef; readonly pod: Pod | undefined },
  networks: readonly NetworkStatus[],
  definitions: ReadonlyMap<string, AttachmentDefinition>,
  reserved: Reserved,
): Declarations {
  const sources = [
    ...(pod ? [{ ...fromPod(pod), where: `pod ${podKey(pod)}` }] : []),
    ...networks.map(({ name }) => ({ ...definitions.get(name), where: `NetworkAttachmentDefinition ${name}` })),
  ];
  const floating = sources.map(({ floatingIps, where }) => parseFloatingIps(floatingIps, where));
  const parsed = sources.map(({ routedIps, routeTables, where }) => parseRoutedIps(routedIps, routeTables, where));
  const routed = parsed.flatMap(({ value }) => value ?? []);
  return {
    floats: (address) =>
      floating.some(({ value }) => names(value, address)) ||
      (floating.some(({ value }) => declares(value, address)) && !reserved.has(address, ref.namespace)),
    routedBy: (address) => routed.find(({ addresses }) => declares(addresses, address))?.tables,
    declared: floating.flatMap(({ value }) => listable(value)),
    routeTables: routed.flatMap(({ tables }) => tables),
    refusals: [...floating, ...parsed].flatMap(({ refusals }) => refusals),
  };
}

function fromPod({ annotations }: Pod) {
  return {
    floatingIps: annotations[FLOATING_IPS],
    routedIps: annotations[ROUTED_IPS],
    routeTables: annotations[ROUTE_TABLES],
  };
}
