import { handsOut, type IpamRange } from '../../model/addresses/ipam-range.ts';
import type { Eni } from '../../model/eni.ts';
import { explainProtection, protectionOf } from '../../model/eni-protection.ts';
import { boundsOf, type Cidr, contains, familyOf, type IpAddress, numberOf, parseHostCidr } from '../../model/ip.ts';
import type { HostLink } from '../../model/node-links/node-links.ts';
import type { Answer, Check, Evidence, NetworkFound, ReservationFound } from './evidence.ts';
import { unanswered } from './unanswered.ts';

type About = Pick<Evidence, 'links' | 'enis' | 'reservations'>;

/** Each network that this node's pods use or ask for, or one line where there is none. */
export function diagnoseNetworks({ networks, ...about }: Pick<Evidence, 'networks'> & About): Check[] {
  if (networks.kind !== 'known') return [{ ...unanswered('networks', networks), verdict: 'skipped' }];
  if (networks.value.length === 0)
    return [{ name: 'networks', verdict: 'skipped', finding: 'no pod of this node has a Multus network' }];
  return networks.value.map((network) => ({ name: `network ${network.name}`, ...networkCheck(network, about) }));
}

type Found = Omit<Check, 'name'>;

function networkCheck(network: NetworkFound, { links, enis, reservations }: About): Found {
  const { master, plugin, missingFor } = network;
  if (missingFor !== undefined)
    return {
      verdict: 'fail',
      finding: `there is no NetworkAttachmentDefinition of this name; asked for by ${missingFor}`,
      fix: 'apply it, or correct the name in the annotation k8s.v1.cni.cncf.io/networks: pods that ask for it cannot start',
    };
  if (plugin === 'macvlan' || plugin === 'bridge')
    return {
      verdict: 'fail',
      finding: `${plugin}: the VPC drops frames whose MAC address is not an ENI's`,
      fix: 'use the ipvlan plugin with the ENI’s device as master, or host-device',
    };
  const lacking = masterFault(master, links);
  if (lacking !== undefined) return lacking;
  const understood = [plugin, master === undefined ? undefined : `on ${master}`].filter(Boolean).join(' ');
  const pass: Found = { verdict: 'pass', finding: understood || 'understood' };
  if (enis.kind !== 'known') return pass;
  const clash = overlap(network, enis.value);
  if (clash !== undefined)
    return {
      verdict: 'warn',
      finding: `its IPAM may hand out ${clash.address}, which is on ${explainProtection(clash.eni.id, clash.protection)}`,
      fix: 'give the range to Multus alone: a subnet of its own, or a reservation (aws ec2 create-subnet-cidr-reservation --reservation-type explicit)',
    };
  return sharedSubnet(network, enis.value, reservations) ?? pass;
}

function masterFault(master: string | undefined, links: Answer<readonly HostLink[]>): Found | undefined {
  if (master === undefined || links.kind !== 'known') return undefined;
  if (links.value.some((link) => link.name === master || link.altNames.includes(master))) return undefined;
  return {
    verdict: 'fail',
    finding: `its master ${master} does not exist on this node`,
    fix: `name the ENI's device of this node type as master, or rename the device to ${master} at boot; this node has ${links.value.map((link) => link.name).join(', ')}`,
  };
}

/** An address that the VPC CNI or the node has and that IPAM would give to a pod: two parties use it. */
function overlap({ ranges }: NetworkFound, enis: readonly Eni[]) {
  for (const eni of enis) {
    const protection = protectionOf(eni);
    const found =
      protection &&
      eni.addresses.find(({ ip }) => ranges.some((range) => range.network !== undefined && handsOut(range, ip)));
    if (protection && found) return { eni, protection, address: found.ip };
  }
  return undefined;
}

/** IPAM hands out in the subnet of a protected ENI: the VPC CNI takes any free address there, unless the range is reserved. */
function sharedSubnet(
  { ranges }: NetworkFound,
  enis: readonly Eni[],
  reservations: Evidence['reservations'],
): Found | undefined {
  for (const { id, subnetId, cidrs } of enis.filter(isOfVpcCni)) {
    const shared = ranges.filter((range) => {
      const start = startOf(range);
      return start !== undefined && cidrs.some((subnet) => contains(subnet, start));
    });
    if (shared.length === 0) continue;
    const reserved = reservations.kind === 'known' ? reservations.value.filter((one) => one.subnetId === subnetId) : [];
    if (shared.every((range) => isReserved(range, reserved)))
      return { verdict: 'pass', finding: `its addresses are reserved in ${subnetId}` };
    return {
      verdict: 'warn',
      finding: `its IPAM hands out addresses of ${subnetId}, from which the VPC CNI gives addresses to ordinary pods (${id})`,
      fix: `give Multus a subnet of its own, or reserve the range (aws ec2 create-subnet-cidr-reservation --subnet-id ${subnetId} --reservation-type explicit --cidr …)${unseen(reservations)}`,
    };
  }
  return undefined;
}

/** True for an ENI from whose subnet the VPC CNI gives addresses to ordinary pods. */
export function isOfVpcCni(eni: Eni): boolean {
  return protectionOf(eni) !== undefined && !eni.requesterManaged;
}

/** Explicit reservations must hold all of the range, together: EC2 gives an address of them to whoever names it, and to nobody else. */
function isReserved({ network, first, last }: IpamRange, reserved: readonly ReservationFound[]): boolean {
  const whole = network && boundsOf(network);
  const from = first === undefined ? whole?.[0] : numberOf(first);
  const to = last === undefined ? whole?.[1] : numberOf(last);
  const sample = first ?? last ?? network;
  if (from === undefined || to === undefined || sample === undefined) return false;
  const blocks = reserved
    .filter(({ cidr, explicit }) => explicit && familyOf(cidr) === familyOf(sample))
    .map(({ cidr }) => boundsOf(cidr))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  let open = from;
  for (const [start, end] of blocks) if (start <= open && end >= open) open = end + 1n;
  return open > to;
}

function unseen(reservations: Evidence['reservations']): string {
  if (reservations.kind === 'known') return '';
  if (reservations.kind === 'denied')
    return '; whether it is reserved cannot be seen: allow ec2:GetSubnetCidrReservations';
  return `; whether it is reserved is unknown: ${reservations.message}`;
}

function startOf({ first, network }: IpamRange): IpAddress | undefined {
  return first ?? (network && ownAddressOf(network));
}

function ownAddressOf(network: Cidr): IpAddress | undefined {
  return parseHostCidr(network)?.address;
}
