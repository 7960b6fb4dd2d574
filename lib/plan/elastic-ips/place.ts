import type { Claim } from '../../model/addresses/claim.ts';
import { parseNetworkStatus } from '../../model/addresses/network-status.ts';
import type { ClaimStatus } from '../../model/addresses/plan.ts';
import type { ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import type { EipPlace } from '../../model/elastic-ips/plan.ts';
import { addressOn, carries, type Eni, type EniId } from '../../model/eni.ts';
import { familyOf, type IpAddress } from '../../model/ip.ts';
import type { NetworkInterface } from '../../model/network-interface.ts';
import { type NetworkStatus, type Pod, podKey } from '../../model/pod.ts';
import { namedBranch } from './branch.ts';

/** The networks that a pod asks Multus for. */
const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

/** How far EC2's describes may lag behind the VPC CNI before a pod is reported that its address is not of the VPC, ms. */
const LAG_MS = 4_000;
const LONGEST_RECHECK_MS = 600_000;

/** What is known of where private addresses are. */
export interface EipSurroundings {
  readonly enis: readonly Eni[];
  readonly describedAt: number | undefined;
  /** Where the pod's secondary addresses stand (the main job's statuses). */
  readonly addresses: readonly ClaimStatus[];
  readonly eips: readonly ElasticIp[];
  /** The branch ENIs of this node's trunk, as EC2 has proved them; null: looked up, and no such. */
  readonly branches: ReadonlyMap<EniId, NetworkInterface | null>;
  /** Since when the pod has had its primary address, ms since the epoch. */
  readonly addressSince: number;
  /** Since when each secondary address has been assigned. */
  readonly assignedSince: ReadonlyMap<IpAddress, number>;
}

/** Finds the private address that a claim means, and the ENI that carries it: always both, never an instance. */
export function placeEip({ target }: ElasticIpClaim, pod: Pod, around: EipSurroundings): EipPlace {
  switch (target.kind) {
    case 'primary':
      return placePrimary(pod, around);
    case 'interface':
      return placeInterface(target.name, pod, around);
    case 'address': {
      const { address } = target;
      if (pod.podIps.includes(address)) return placePrimary(pod, around);
      const place = placeSecondary(pod, around, ({ claim }) => claim.address === address);
      return place ?? missing(pod, () => true, address) ?? { state: 'elsewhere' };
    }
  }
}

/**
 * The address that IPAM gave the interface, the first one in network-status: never one that was added to the interface later (a floating
 * address would carry the EIP away to another node's pod). Before network-status is there, an only one can be no other.
 */
function placeInterface(name: string, pod: Pod, around: EipSurroundings): EipPlace {
  const given = networksOf(pod).find((network) => network.interface === name && ipv4Of(network) !== undefined);
  const listed = given && ipv4Of(given);
  const isGiven = ({ claim }: ClaimStatus) =>
    claim.kind === 'ipam' && claim.holder.uid === pod.uid && claim.interface === name && familyOf(claim.address) === 4;
  const candidates = around.addresses.filter(isGiven).map(({ claim }) => claim.address);
  const address = listed ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (address !== undefined) {
    const place = placeSecondary(pod, around, (status) => isGiven(status) && status.claim.address === address);
    if (place !== undefined) return place;
  }
  const what = `IPv4 address from IPAM on ${name}`;
  return missing(pod, (network) => network === given, what) ?? { state: 'awaited' };
}

function networksOf(pod: Pod): NetworkStatus[] {
  return parseNetworkStatus(pod.annotations).value.filter(({ isDefault }) => !isDefault);
}

function ipv4Of({ ips }: NetworkStatus): IpAddress | undefined {
  return ips.find((address) => familyOf(address) === 4);
}

/** Multus has said which networks the pod has, and what the claim means cannot be among them: waiting would be in vain. */
function missing(pod: Pod, matches: (network: NetworkStatus) => boolean, what: string): EipPlace | undefined {
  const networks = networksOf(pod);
  const isListed = networks.length > 0 || (pod.phase === 'Running' && !(NETWORKS in pod.annotations));
  if (!isListed || networks.some(matches)) return undefined;
  const names = networks.map((network) => network.interface).join(', ') || 'none';
  const message = `the pod has no ${what}; its networks beside the primary one: ${names}`;
  return { state: 'impossible', refusal: { reason: 'EipTargetMissing', message } };
}

function placePrimary(pod: Pod, around: EipSurroundings): EipPlace {
  const address = pod.podIps.find((candidate) => familyOf(candidate) === 4);
  if (address === undefined) return { state: 'awaited' };
  const eni = around.enis.find((candidate) => carries(candidate, address));
  if (eni) return ready(eni.id, address, undefined, around);
  const named = namedBranch(pod);
  const branch = named === undefined ? undefined : around.branches.get(named);
  if (named !== undefined && branch === undefined) return { state: 'awaited' };
  if (branch?.addresses.some(({ ip }) => ip === address)) return ready(branch.id, address, undefined, around);
  const { describedAt = 0, addressSince } = around;
  if (describedAt < addressSince) return { state: 'awaited', recheckAt: 0 };
  // Describes lag behind: the older the address, the rarer the ENIs are looked at again for it.
  const recheckAt = describedAt + Math.min(LONGEST_RECHECK_MS, Math.max(1_000, describedAt - addressSince));
  if (describedAt - addressSince < LAG_MS) return { state: 'awaited', recheckAt };
  const message = `no ENI of this node carries ${address}, the pod's address${branch === null ? `, and ${named} is not a branch of its trunk` : ''}; Elastic IPs need pod addresses from the VPC (VPC CNI)`;
  return { state: 'impossible', refusal: { reason: 'NoMatchingInterface', message, address }, recheckAt };
}

function placeSecondary(
  pod: Pod,
  around: EipSurroundings,
  matches: (status: ClaimStatus) => boolean,
): EipPlace | undefined {
  const status = around.addresses.find((candidate) => candidate.claim.holder.uid === pod.uid && matches(candidate));
  if (status === undefined) return undefined;
  if (status.claim.routed !== undefined) return refuseRouted(status);
  const rightful = givenToAnother(status, around);
  if (rightful !== undefined) return rightful;
  if (status.state === 'refused' && status.refusal?.reason === 'HeldElsewhere') return { state: 'elsewhere' };
  if (status.state !== 'assigned' || status.eni === undefined) return { state: 'awaited' };
  const { address } = status.claim;
  return ready(status.eni, address, around.assignedSince.get(address), around);
}

/**
 * The address of another pod on this node, which this pod has added to itself or lists in its own network-status: both are on one ENI,
 * so both are served, but an Elastic IP is for the pod to which IPAM has given the address.
 */
function givenToAnother({ claim: own }: ClaimStatus, { addresses }: EipSurroundings): EipPlace | undefined {
  const isGiven = ({ kind, unconfirmed }: Claim) => kind === 'ipam' && unconfirmed !== true;
  const { address, holder } = own;
  const other = addresses.find(
    ({ claim }) => claim.address === address && claim.holder.uid !== holder.uid && isGiven(claim),
  )?.claim.holder;
  if (other === undefined || isGiven(own)) return undefined;
  const message = `IPAM has given ${address} to pod ${podKey(other)}, so no Elastic IP goes there for this pod; choose another address of the pod`;
  return { state: 'impossible', refusal: { reason: 'EipTargetMissing', message, address } };
}

function refuseRouted({ claim: { address, interface: on } }: ClaimStatus): EipPlace {
  const message = `${address} on ${on} is on no ENI, only route tables lead to it, so no Elastic IP can belong to it; choose another address of the pod`;
  return { state: 'impossible', refusal: { reason: 'RoutedAddress', message, address } };
}

/**
 * What EC2 says of the ENI and what it says of the EIPs must agree about the address; where they do not, the list of Elastic IPs has to be younger
 * than the ENI's facts. So an EIP that somebody took off by hand is missed with the next describe of the ENIs, at no cost.
 */
function ready(eni: string, privateIp: IpAddress, movedAt: number | undefined, around: EipSurroundings): EipPlace {
  const facts = around.enis.find(({ id }) => id === eni);
  const shown = facts && addressOn(facts, privateIp)?.association?.allocationId;
  const known = around.eips.find(
    ({ association }) => association?.eni === eni && association.privateIp === privateIp,
  )?.allocationId;
  const disputed = facts !== undefined && addressOn(facts, privateIp) !== undefined && shown !== known;
  const since = Math.max(movedAt ?? 0, disputed ? (around.describedAt ?? 0) : 0);
  return { state: 'ready', eni, privateIp, since: since > 0 ? since : undefined };
}
