import { cidr, contains, familyOf, type IpAddress } from '../../lib/model/ip.ts';
import { invalidValue, notFound } from './ec2-fault.ts';
import type { SubnetReservation } from './entities.ts';
import { covers } from './ip-range.ts';
import type { CloudState } from './state.ts';

export interface SubnetReservationInput {
  readonly subnetId: string;
  readonly cidr: string;
  /** @default explicit */
  readonly type?: SubnetReservation['type'];
}

/** A reservation of a part of a subnet (facts §1.1). @throws {Ec2Fault} for a subnet that there is not, or a block outside it */
export function addSubnetReservation(state: CloudState, input: SubnetReservationInput): SubnetReservation {
  const subnet = state.subnets.get(input.subnetId);
  if (subnet === undefined) throw notFound('subnet', input.subnetId);
  const block = cidr(input.cidr);
  const network = familyOf(block) === 4 ? subnet.cidr : subnet.ipv6Cidr;
  if (network === undefined || !covers(network, block))
    throw invalidValue(`The CIDR '${input.cidr}' is not within the subnet.`);
  const id = state.ids.next('scr');
  const reservation = { id, subnetId: subnet.id, cidr: block, type: input.type ?? 'explicit' } as const;
  state.subnetReservations.put(id, reservation);
  return reservation;
}

/** True for an address that EC2 gives to nobody who does not name it. */
export function isReservedAddress(state: CloudState, subnetId: string, address: IpAddress): boolean {
  return state.subnetReservations
    .all(state.now())
    .some((one) => one.subnetId === subnetId && contains(one.cidr, address));
}

/** The reservations of a subnet (AWS API reference, GetSubnetCidrReservations). @throws {Ec2Fault} InvalidSubnetID.NotFound */
export function getSubnetCidrReservations(state: CloudState, { subnetId }: { readonly subnetId: string }) {
  if (state.subnets.get(subnetId) === undefined) throw notFound('subnet', subnetId);
  const found = state.subnetReservations.all(state.describeMoment()).filter((one) => one.subnetId === subnetId);
  const view = (family: 4 | 6) =>
    found
      .filter(({ cidr: block }) => familyOf(block) === family)
      .map(({ id, cidr: block, type }) => ({
        subnetCidrReservationId: id,
        subnetId,
        cidr: block,
        reservationType: type,
        ownerId: state.accountId,
        tagSet: [],
      }));
  return { subnetIpv4CidrReservationSet: view(4), subnetIpv6CidrReservationSet: view(6) };
}
