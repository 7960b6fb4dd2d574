import type { Claim } from '../../model/addresses/claim.ts';
import { IGNORE } from '../../model/addresses/ignored-networks.ts';
import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { Policy } from '../../model/addresses/snapshot.ts';
import type { Eni } from '../../model/eni.ts';
import { addressOn, isInSubnetOf } from '../../model/eni.ts';
import { explainProtection, type Protection, protectionOf } from '../../model/eni-protection.ts';
import { contains, isReservedInSubnet } from '../../model/ip.ts';
import type { Refusal } from '../../model/refusal.ts';

/** Either the ENI that should carry a claim's address, or why none may. */
export type EniChoice = { readonly eni: Eni } | { readonly refusal: Refusal };

/**
 * Which ENI: by the pod interface's MAC (an ipvlan child has its master's), else by the host interface under it, else by subnet if
 * exactly one ENI of the node is in it. The kernel's facts come before arithmetic, so two ENIs in one subnet work.
 */
export function chooseEni(claim: Claim, enis: readonly Eni[], policy: Pick<Policy, 'allowPrimary'>): EniChoice {
  const primaryOf = enis.find((eni) => addressOn(eni, claim.address)?.primary);
  if (primaryOf) return refuse(claim, 'PrimaryAddress', `${claim.address} is the primary address of ${primaryOf.id}`);
  const attached = enis.find((eni) => eni.mac === claim.mac) ?? enis.find((eni) => eni.mac === claim.masterMac);
  if (attached === undefined || attached.mac !== claim.mac) {
    const alien = refuseOwnMac(claim);
    if (alien) return alien;
  }
  if (attached === undefined)
    return claim.routed === undefined ? chooseBySubnet(claim, enis) : refuseUnknownMaster(claim);
  const protection = protectionOf(attached);
  // A FloatingIP leads here only if it names the interface.
  const mayBePrimary = policy.allowPrimary || claim.leased === true;
  const allowed = protection === undefined || (protection === 'primary' && mayBePrimary);
  if (!allowed) return refuseProtected(claim, attached, protection);
  return claim.routed === undefined ? checkSubnet(claim, attached) : { eni: attached };
}

/**
 * For an ending pod, whose interface the kernel no longer shows: several ENIs fit, and one of them carries the address because we put it
 * there for this pod and interface. Nothing has said otherwise since, so it stays.
 */
export function chooseAsBefore(claim: Claim, enis: readonly Eni[], entry: LedgerEntry | undefined): Eni | undefined {
  if (entry?.state !== 'held' || entry.interface !== claim.interface || entry.holder.uid !== claim.holder.uid)
    return undefined;
  const eni = enis.find(({ id }) => id === entry.eni);
  return eni && addressOn(eni, claim.address)?.primary === false ? eni : undefined;
}

/** A routed address is in no subnet of the node, so only the interface can say which ENI takes its packets. */
function refuseUnknownMaster(claim: Claim): EniChoice {
  return refuse(
    claim,
    'NoMatchingInterface',
    `neither the MAC nor the master of ${claim.interface} belongs to an ENI of this node, so no route can lead to ${claim.address}; set "master" in the NetworkAttachmentDefinition`,
  );
}

/** CNI plugins whose interfaces have a MAC of their own: the VPC knows only those of ENIs and drops all others' frames. */
const OWN_MAC: readonly string[] = ['macvlan', 'bridge'];

function refuseOwnMac(claim: Claim): EniChoice | undefined {
  if (claim.plugin === undefined || claim.mac === undefined || !OWN_MAC.includes(claim.plugin)) return undefined;
  return refuse(
    claim,
    'UnsupportedInterface',
    `${claim.interface} is made by the ${claim.plugin} plugin and has the MAC address ${claim.mac}, which no ENI has: a VPC drops its frames. Use ipvlan, or leave the network out with the annotation ${IGNORE}`,
  );
}

function refuseProtected(claim: Claim, eni: Eni, protection: Protection): EniChoice {
  const fix =
    protection === 'primary'
      ? 'give the network an ENI of its own as "master", or start the agent with --allow-primary'
      : 'give the network an ENI of its own as "master", tagged node.k8s.amazonaws.com/no_manage=true';
  return refuse(
    claim,
    'ProtectedInterface',
    `${claim.address} on ${claim.interface} is not put on an ENI: ${explainProtection(eni.id, protection)}; ${fix}`,
  );
}

function checkSubnet(claim: Claim, eni: Eni): EniChoice {
  if (isInSubnetOf(eni, claim.address)) return checkReserved(claim, eni);
  const subnet = `${eni.subnetId} (${eni.cidrs.join(', ') || 'CIDR unknown'})`;
  return refuse(
    claim,
    'OutsideSubnet',
    `${claim.address} on ${claim.interface} is outside ${subnet}, the subnet of ${eni.id}; use a range of that subnet in the network's IPAM`,
  );
}

function chooseBySubnet(claim: Claim, enis: readonly Eni[]): EniChoice {
  const candidates = enis.filter((eni) => isInSubnetOf(eni, claim.address));
  const [only, another] = candidates;
  if (only === undefined) {
    const known = enis.map((eni) => `${eni.id} ${eni.cidrs.join(' ')}`).join('; ') || 'none';
    return refuse(
      claim,
      'NoMatchingInterface',
      `no ENI of this node is in a subnet with ${claim.address} (ENIs: ${known})`,
    );
  }
  if (another === undefined) {
    // The subnet alone never leads to a protected ENI, whatever the options allow.
    const protection = protectionOf(only);
    return protection === undefined ? checkReserved(claim, only) : refuseProtected(claim, only, protection);
  }
  return refuse(
    claim,
    'AmbiguousInterface',
    `${claim.address} fits ${candidates.map((eni) => eni.id).join(' and ')}, and neither the MAC nor the master of ${claim.interface} says which; set "master" in the NetworkAttachmentDefinition`,
  );
}

function checkReserved(claim: Claim, eni: Eni): EniChoice {
  const subnet = eni.cidrs.find((network) => contains(network, claim.address));
  if (subnet === undefined || !isReservedInSubnet(subnet, claim.address)) return { eni };
  return refuse(
    claim,
    'ReservedAddress',
    `${claim.address} is one of the addresses of ${subnet} that AWS keeps (the first four and the last); exclude them in the network's IPAM`,
  );
}

function refuse(claim: Claim, reason: Refusal['reason'], message: string): EniChoice {
  return { refusal: { reason, message, address: claim.address } };
}
