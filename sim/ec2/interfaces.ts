import type { IpAddress, IpFamily } from '../../lib/model/ip.ts';
import { freeAddresses, requestedAddresses } from './address-space.ts';
import { requireAttachment } from './attachments.ts';
import { Ec2Fault, invalidCombination, invalidValue, missingParameter } from './ec2-fault.ts';
import { freeElasticIpOf } from './elastic-ip-associations.ts';
import type { NetworkInterface, Subnet } from './entities.ts';
import { interfaceView } from './interface-view.ts';
import { assertGroups } from './security-groups.ts';
import type { CloudState } from './state.ts';
import type { TagSpecification } from './tags.ts';
import { tagsFor } from './tags.ts';

export interface CreateNetworkInterfaceInput {
  readonly subnetId: string;
  readonly description?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  /** The primary address. */
  readonly privateIpAddress?: string | undefined;
  readonly privateIpAddresses?:
    | readonly { readonly privateIpAddress: string; readonly primary?: boolean | undefined }[]
    | undefined;
  readonly secondaryPrivateIpAddressCount?: number | undefined;
  readonly ipv6Addresses?: readonly string[] | undefined;
  readonly ipv6AddressCount?: number | undefined;
  readonly interfaceType?: string | undefined;
  readonly enablePrimaryIpv6?: boolean | undefined;
  readonly tagSpecifications?: readonly TagSpecification[] | undefined;
  /** The same token with the same parameters gives the same ENI. At most 64 characters. */
  readonly clientToken?: string | undefined;
}

/** Creates a detached ENI; without a primary address EC2 chooses one. (facts §1.8) @throws {Ec2Fault} */
export function createNetworkInterface(state: CloudState, input: CreateNetworkInterfaceInput) {
  const { clientToken, ...parameters } = input;
  const earlier = clientToken === undefined ? undefined : replay(state, clientToken, JSON.stringify(parameters));
  const eni = earlier ?? newInterface(state, input);
  if (earlier === undefined) {
    state.putInterface(eni);
    if (clientToken !== undefined) {
      state.clientTokens.set(clientToken, { parameters: JSON.stringify(parameters), networkInterfaceId: eni.id });
    }
  }
  const networkInterface = { ...interfaceView(state, eni, state.now()), status: eni.attachment ? 'in-use' : 'pending' };
  return { networkInterface, clientToken };
}

/** Deletes a detached ENI; EIPs on it become free. (facts §1.8) @throws {Ec2Fault} InvalidParameterValue while it is attached */
export function deleteNetworkInterface(state: CloudState, input: { readonly networkInterfaceId: string }) {
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  if (eni.attachment !== undefined) throw invalidValue(`Network interface '${eni.id}' is currently in use.`);
  for (const address of eni.addresses) freeElasticIpOf(state, address);
  state.removeInterface(eni);
  return { return: true };
}

export interface ModifyNetworkInterfaceAttributeInput {
  readonly networkInterfaceId: string;
  readonly description?: string | undefined;
  readonly sourceDestCheck?: boolean | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly attachment?: { readonly attachmentId: string; readonly deleteOnTermination: boolean } | undefined;
}

/** Changes one attribute of an ENI. (facts §1.8) @throws {Ec2Fault} InvalidParameterCombination for more than one */
export function modifyNetworkInterfaceAttribute(state: CloudState, input: ModifyNetworkInterfaceAttributeInput) {
  const { networkInterfaceId, attachment: change, ...plain } = input;
  const given = [...Object.values(plain), change].filter((value) => value !== undefined).length;
  if (given > 1) throw invalidCombination('Only one attribute can be modified at a time.');
  if (given === 0) throw missingParameter('attribute');
  const eni = state.requireOwnInterface(networkInterfaceId);
  if (change !== undefined) {
    const { attachment } = requireAttachment(state, change.attachmentId);
    if (eni.attachment?.id !== attachment.id) throw invalidValue(`${attachment.id} is not an attachment of ${eni.id}`);
    state.putInterface({ ...eni, attachment: { ...attachment, deleteOnTermination: change.deleteOnTermination } });
    return { return: true };
  }
  assertGroups(state, eni.vpcId, plain.groups ?? []);
  state.putInterface({
    ...eni,
    description: plain.description ?? eni.description,
    sourceDestCheck: plain.sourceDestCheck ?? eni.sourceDestCheck,
    groups: plain.groups ?? eni.groups,
  });
  return { return: true };
}

function replay(state: CloudState, clientToken: string, parameters: string): NetworkInterface | undefined {
  if (clientToken.length > 64) throw invalidValue('The client token is longer than 64 characters.');
  const used = state.clientTokens.get(clientToken);
  if (used === undefined) return undefined;
  if (used.parameters !== parameters) {
    const message = `Arguments on this idempotent request are inconsistent with arguments used in previous request(s).`;
    throw new Ec2Fault('IdempotentParameterMismatch', message);
  }
  return state.interfaceAt(used.networkInterfaceId, state.now());
}

function newInterface(state: CloudState, input: CreateNetworkInterfaceInput): NetworkInterface {
  const subnet = state.requireSubnet(input.subnetId);
  assertGroups(state, subnet.vpcId, input.groups ?? []);
  const tags = tagsFor('network-interface', input.tagSpecifications ?? []);
  if (state.interfaces.all(state.now()).length >= state.knobs.networkInterfaceQuota) {
    throw new Ec2Fault('NetworkInterfaceLimitExceeded', 'The maximum number of network interfaces has been reached.');
  }
  const addresses = newAddresses(state, subnet, input);
  const ipv6 = [
    ...unused(state, subnet, input.ipv6Addresses ?? [], 6),
    ...freeAddresses(state, subnet, input.ipv6AddressCount ?? 0, 6),
  ];
  return {
    id: state.ids.next('eni'),
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    mac: state.ids.nextMac(),
    description: input.description ?? '',
    groups: input.groups ?? ['sg-00000000000000001'],
    sourceDestCheck: true,
    interfaceType: input.interfaceType ?? 'interface',
    requesterManaged: false,
    addresses: addresses.map((ip, index) => ({ ip, primary: index === 0 })),
    ipv6Addresses: ipv6.map((ip, index) => ({ ip, primary: index === 0 && input.enablePrimaryIpv6 === true })),
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    attachment: undefined,
    tags,
  };
}

/** The new ENI's IPv4 addresses, the primary first. */
function newAddresses(state: CloudState, subnet: Subnet, input: CreateNetworkInterfaceInput): IpAddress[] {
  const listed = input.privateIpAddresses ?? [];
  const primaries = listed.filter((entry) => entry.primary === true).map((entry) => entry.privateIpAddress);
  if (input.privateIpAddress !== undefined) primaries.push(input.privateIpAddress);
  if (primaries.length > 1) throw invalidCombination('Only one primary private IP address can be specified.');
  const secondaries = listed.filter((entry) => entry.primary !== true).map((entry) => entry.privateIpAddress);
  const count = input.secondaryPrivateIpAddressCount ?? 0;
  if (count > 0 && secondaries.length > 0) {
    throw invalidCombination('Secondary addresses and their count cannot be specified together.');
  }
  const chosen = unused(state, subnet, [...primaries, ...secondaries], 4);
  const found = freeAddresses(state, subnet, count + (primaries.length === 0 ? 1 : 0), 4, chosen);
  return primaries.length === 0 ? [...found.slice(0, 1), ...chosen, ...found.slice(1)] : [...chosen, ...found];
}

function unused(state: CloudState, subnet: Subnet, texts: readonly string[], family: IpFamily): IpAddress[] {
  const addresses = requestedAddresses(subnet, texts, family);
  if (addresses.some((address) => state.holderOf(subnet.id, address) !== undefined)) throw addressInUse();
  return addresses;
}

function addressInUse(): Ec2Fault {
  return new Ec2Fault('InvalidIPAddress.InUse', 'The specified address is already in use.');
}
