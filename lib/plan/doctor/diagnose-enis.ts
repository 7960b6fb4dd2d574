import { handsOut } from '../../model/addresses/ipam-range.ts';
import { type Eni, slotLimit, usedSlots } from '../../model/eni.ts';
import { explainProtection, protectionOf } from '../../model/eni-protection.ts';
import { type Cidr, contains, type IpAddress, parseHostCidr } from '../../model/ip.ts';
import type { HostLink } from '../../model/node-links/node-links.ts';
import type { Answer, Check, Evidence, NetworkFound } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** Share of a limit from which on people should know. */
const NEAR = 0.9;
const NO_MANAGE = 'node.k8s.amazonaws.com/no_manage';

/** What of the ENIs, links and networks of this node keeps addresses from working. */
export function diagnoseEnis(evidence: Evidence): Check[] {
  return [vpcCniEnis(evidence), limits(evidence), sourceCheck(evidence), links(evidence), ...networks(evidence)];
}

/** An ENI without the tag is the VPC CNI's, whatever it was attached for: it gives the addresses that it finds there to ordinary pods. */
function vpcCniEnis({ enis: answer, allowPrimary }: Evidence): Check {
  const name = 'VPC CNI';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const usable = answer.value.filter((eni) => protectionOf(eni) === undefined);
  const taken = answer.value.flatMap((eni) => {
    const protection = protectionOf(eni);
    return protection === 'vpc-cni' ? [explainProtection(eni.id, protection)] : [];
  });
  const untagged = usable.filter(({ tags, interfaceType }) => tags[NO_MANAGE] !== 'true' && interfaceType !== 'efa');
  const fix = `tag ENIs for Multus with ${NO_MANAGE}=true before they are attached; then restart aws-node on this node`;
  if (usable.length === 0 && !allowPrimary) {
    const whose = taken.length === 0 ? 'only the primary ENI' : taken.join('; ');
    return {
      name,
      verdict: 'warn',
      finding: `no ENI for pods: ${whose}`,
      fix: `attach an ENI in the subnet of the networks; ${fix}`,
    };
  }
  if (untagged.length > 0)
    return {
      name,
      verdict: 'warn',
      finding: `${untagged.map(({ id }) => id).join(', ')} without the tag ${NO_MANAGE}: the VPC CNI may take it over`,
      fix,
    };
  const others = taken.length === 0 ? '' : `; ${taken.join('; ')}`;
  return { name, verdict: 'pass', finding: `${usable.length} ENIs for pods, tagged ${NO_MANAGE}${others}` };
}

function limits({ enis: answer }: Evidence): Check {
  const name = 'address limits';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const usable = answer.value.filter((eni) => protectionOf(eni) === undefined);
  const uses = usable.flatMap((eni) => ([4, 6] as const).map((family) => use(eni, family)));
  const known = uses.filter(({ limit }) => limit > 0);
  const near = known.filter(({ used, limit }) => used >= limit * NEAR);
  if (known.length === 0)
    return { name, verdict: 'skipped', finding: 'the limits of this instance type are not known' };
  const text = ({ id, used, limit, family }: (typeof uses)[number]) => `${id} ${used} of ${limit} IPv${family}`;
  if (near.length === 0) return { name, verdict: 'pass', finding: known.map(text).join(', ') };
  return {
    name,
    verdict: 'warn',
    finding: `nearly full: ${near.map(text).join(', ')}`,
    fix: 'spread the pods over more ENIs or nodes, or take a larger instance type',
  };
}

function use(eni: Eni, family: 4 | 6) {
  return { id: eni.id, family, used: usedSlots(eni, family), limit: slotLimit(eni, family) ?? 0 };
}

/** Information only: on, EC2 lets through what is assigned; off, it lets through everything, and what is not assigned goes unnoticed. */
function sourceCheck({ sourceChecks: answer }: Evidence): Check {
  const name = 'source/destination check';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const off = answer.value.filter(({ enabled }) => !enabled).map(({ eni }) => eni);
  if (off.length === 0)
    return { name, verdict: 'pass', finding: 'on: a pod that routes for others (NAT, VPN) needs it off on its ENI' };
  return { name, verdict: 'pass', finding: `off on ${off.join(', ')}: packets leave there with any source address` };
}

function links({ enis, links: answer }: Evidence): Check {
  const name = 'links';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (enis.kind !== 'known') return { ...unanswered(name, enis), verdict: 'skipped' };
  const usable = enis.value.filter((eni) => protectionOf(eni) === undefined);
  const faults = usable.flatMap((eni) => {
    const link = answer.value.find((one) => one.mac === eni.mac);
    // An ENI that was moved into a pod (host-device) has no link here, and that is as it should be.
    return link !== undefined && !link.up ? [`${link.name} (${eni.id}) is down`] : [];
  });
  if (faults.length === 0)
    return { name, verdict: 'pass', finding: `${usable.length} ENIs for pods, none of their links is down` };
  return {
    name,
    verdict: 'fail',
    finding: faults.join(', '),
    fix: 'set them up at boot (ip link set DEVICE up), for example in the user data of the node: the VPC CNI leaves ENIs tagged no_manage alone',
  };
}

function networks({ networks: answer, links: found, enis }: Evidence): Check[] {
  if (answer.kind !== 'known') return [{ ...unanswered('networks', answer), verdict: 'skipped' }];
  if (answer.value.length === 0)
    return [{ name: 'networks', verdict: 'skipped', finding: 'no pod of this node has a Multus network' }];
  return answer.value.map((network) => networkCheck(network, found, enis));
}

function networkCheck(network: NetworkFound, links: Answer<readonly HostLink[]>, enis: Answer<readonly Eni[]>): Check {
  const name = `network ${network.name}`;
  const { master, plugin } = network;
  if (plugin === 'macvlan' || plugin === 'bridge')
    return {
      name,
      verdict: 'fail',
      finding: `${plugin}: the VPC drops frames whose MAC address is not an ENI's`,
      fix: 'use the ipvlan plugin with the ENI’s device as master, or host-device',
    };
  if (
    master !== undefined &&
    links.kind === 'known' &&
    !links.value.some((link) => link.name === master || link.altNames.includes(master))
  )
    return {
      name,
      verdict: 'fail',
      finding: `its master ${master} does not exist on this node`,
      fix: `name the ENI's device of this node type as master, or rename the device to ${master} at boot; this node has ${links.value.map((link) => link.name).join(', ')}`,
    };
  const clash = enis.kind === 'known' ? overlap(network, enis.value) : undefined;
  if (clash !== undefined)
    return {
      name,
      verdict: 'warn',
      finding: `its IPAM may hand out ${clash.address}, which is on ${explainProtection(clash.eni.id, clash.protection)}`,
      fix: 'give the range to Multus alone: a subnet of its own, or a reservation (aws ec2 create-subnet-cidr-reservation --reservation-type explicit)',
    };
  const shared = enis.kind === 'known' ? sharedSubnet(network, enis.value) : undefined;
  if (shared !== undefined)
    return {
      name,
      verdict: 'warn',
      finding: `its IPAM hands out addresses of ${shared.subnetId}, from which the VPC CNI gives addresses to ordinary pods (${shared.id})`,
      fix: 'give Multus a subnet of its own; a reservation (aws ec2 create-subnet-cidr-reservation --reservation-type explicit) is as good, but cannot be seen from here',
    };
  return {
    name,
    verdict: 'pass',
    finding: [plugin, master === undefined ? undefined : `on ${master}`].filter(Boolean).join(' ') || 'understood',
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

/** A protected ENI in whose subnet IPAM hands out: the VPC CNI takes any free address there, today or tomorrow. */
function sharedSubnet({ ranges }: NetworkFound, enis: readonly Eni[]): Eni | undefined {
  const starts = ranges.flatMap(({ network, first }) => first ?? (network && startOf(network)) ?? []);
  return enis.find(
    (eni) =>
      protectionOf(eni) !== undefined &&
      !eni.requesterManaged &&
      eni.cidrs.some((subnet) => starts.some((start) => contains(subnet, start))),
  );
}

/** The network's own address. */
function startOf(network: Cidr): IpAddress | undefined {
  return parseHostCidr(network)?.address;
}
