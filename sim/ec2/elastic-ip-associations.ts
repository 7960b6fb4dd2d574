import type { IpAddress } from '../../lib/model/ip.ts';
import { parseIp } from '../../lib/model/ip.ts';
import { Ec2Fault, invalidCombination, invalidValue, missingParameter, notFound, notYours } from './ec2-fault.ts';
import type { ElasticIp, NetworkInterface, PrivateAddress } from './entities.ts';
import type { CloudState } from './state.ts';

export interface AssociateAddressInput {
  readonly allocationId?: string | undefined;
  /** The legacy form. */
  readonly publicIp?: string | undefined;
  readonly networkInterfaceId?: string | undefined;
  readonly instanceId?: string | undefined;
  /** @default the ENI's primary address */
  readonly privateIpAddress?: string | undefined;
  /** @default the knob `allowReassociationDefault` */
  readonly allowReassociation?: boolean | undefined;
}

/**
 * Maps an EIP to a private address. An EIP that the target has already is freed without asking: `allowReassociation` protects
 * the EIP, not the target. Repeating an association is not an error and keeps its id. (facts §1.6)
 * @throws {Ec2Fault}
 */
export function associateAddress(state: CloudState, input: AssociateAddressInput) {
  const elasticIp = requireNamedElasticIp(state, input);
  const eni = targetInterface(state, input);
  if (elasticIp.serviceManaged !== undefined || eni.requesterManaged) throw notYours();
  if (state.vpcs.get(eni.vpcId)?.internetGateway !== true) {
    throw new Ec2Fault('Gateway.NotAttached', `Network ${eni.vpcId} is not attached to any internet gateway`);
  }
  const target = targetAddress(eni, input.privateIpAddress);
  if (target.allocationId === elasticIp.allocationId) {
    return { return: true, associationId: elasticIp.association?.id };
  }
  if (elasticIp.association !== undefined && !(input.allowReassociation ?? state.knobs.allowReassociationDefault)) {
    const message = `resource ${elasticIp.allocationId} is already associated with associate-id ${elasticIp.association.id}`;
    throw new Ec2Fault('Resource.AlreadyAssociated', message);
  }

  freeElasticIpOf(state, target);
  disassociate(state, elasticIp);
  const association = { id: state.ids.next('eipassoc'), networkInterfaceId: eni.id, privateIp: target.ip };
  state.elasticIps.put(elasticIp.allocationId, { ...elasticIp, association });
  writeAddress(state, eni.id, { ip: target.ip, primary: target.primary, allocationId: elasticIp.allocationId });
  return { return: true, associationId: association.id };
}

export interface DisassociateAddressInput {
  readonly associationId?: string | undefined;
  readonly publicIp?: string | undefined;
}

/**
 * Ends one pairing of EIP and private address. A stale association id cannot hurt the EIP's new owner: it is either
 * ignored or not found (knob `repeatedDisassociate`). (facts §1.6)
 * @throws {Ec2Fault}
 */
export function disassociateAddress(state: CloudState, input: DisassociateAddressInput) {
  const { associationId, publicIp } = input;
  if (associationId === undefined && publicIp === undefined) throw missingParameter('AssociationId');
  if (associationId !== undefined && publicIp !== undefined) {
    throw invalidCombination('You may specify public IP or association id, but not both in the same call');
  }
  const elasticIp =
    publicIp === undefined
      ? elasticIpByAssociation(state, associationId ?? '')
      : requireNamedElasticIp(state, { publicIp });
  if (elasticIp?.serviceManaged !== undefined) throw notYours();
  if (elasticIp?.association === undefined && state.knobs.repeatedDisassociate === 'not-found') {
    throw notFound('association', associationId ?? '');
  }
  if (elasticIp !== undefined) disassociate(state, elasticIp);
  return { return: true };
}

/** Ends the EIP's association, if it has one; the EIP stays allocated. */
function disassociate(state: CloudState, elasticIp: ElasticIp): void {
  const { association } = elasticIp;
  if (association === undefined) return;
  state.elasticIps.put(elasticIp.allocationId, { ...elasticIp, association: undefined });
  const held = state.interfaceAt(association.networkInterfaceId, state.now());
  const address = held?.addresses.find((entry) => entry.ip === association.privateIp);
  if (address !== undefined) {
    writeAddress(state, association.networkInterfaceId, { ip: address.ip, primary: address.primary });
  }
}

/** Frees the EIP that maps to a private address, if any. */
export function freeElasticIpOf(state: CloudState, address: PrivateAddress): void {
  const elasticIp = address.allocationId === undefined ? undefined : state.elasticIps.get(address.allocationId);
  if (elasticIp !== undefined) disassociate(state, elasticIp);
}

/** The EIP follows its private address to another ENI; whether its association id stays is the knob `associationIdAfterMove`. */
export function followMove(state: CloudState, address: PrivateAddress, networkInterfaceId: string): void {
  const elasticIp = address.allocationId === undefined ? undefined : state.elasticIps.get(address.allocationId);
  if (elasticIp?.association === undefined) return;
  const id = state.knobs.associationIdAfterMove === 'same' ? elasticIp.association.id : state.ids.next('eipassoc');
  const association = { ...elasticIp.association, id, networkInterfaceId };
  state.elasticIps.put(elasticIp.allocationId, { ...elasticIp, association });
}

/** The EIP that a request names by allocation id or public address. @throws {Ec2Fault} */
export function requireNamedElasticIp(
  state: CloudState,
  name: { allocationId?: string | undefined; publicIp?: string | undefined },
): ElasticIp {
  if (name.allocationId !== undefined && name.publicIp !== undefined) {
    throw invalidCombination('You may specify public IP or allocation id, but not both in the same call');
  }
  if (name.allocationId !== undefined) return state.requireElasticIp(name.allocationId);
  if (name.publicIp === undefined) throw missingParameter('AllocationId');
  const publicIp = parseIp(name.publicIp);
  if (publicIp === undefined)
    throw new Ec2Fault('InvalidAddress.Malformed', `Invalid IPv4 address: "${name.publicIp}"`);
  const allocationId = state.allocationByPublicIp.get(publicIp);
  if (allocationId === undefined) throw notFound('address', publicIp);
  return state.requireElasticIp(allocationId);
}

function elasticIpByAssociation(state: CloudState, associationId: string): ElasticIp | undefined {
  return state.elasticIps.all(state.now()).find((elasticIp) => elasticIp.association?.id === associationId);
}

function targetInterface(state: CloudState, input: AssociateAddressInput): NetworkInterface {
  if (input.networkInterfaceId !== undefined && input.instanceId !== undefined) {
    throw invalidCombination('You may specify network interface ID or instance ID, but not both in the same call');
  }
  if (input.networkInterfaceId !== undefined) {
    const eni = state.requireInterface(input.networkInterfaceId);
    if (eni.attachment !== undefined) assertReady(state, eni.attachment.instanceId);
    return eni;
  }
  if (input.instanceId === undefined) throw missingParameter('NetworkInterfaceId');
  assertReady(state, input.instanceId);
  const [eni, ...others] = state.interfacesOf(input.instanceId);
  if (eni === undefined || others.length > 0) {
    const message = `There are multiple interfaces attached to instance '${input.instanceId}'.`;
    throw new Ec2Fault('InvalidInstanceID', `${message} Please specify an interface ID for the operation instead.`);
  }
  return eni;
}

function assertReady(state: CloudState, instanceId: string): void {
  if (state.requireInstance(instanceId).state !== 'pending') return;
  const message = `The pending instance '${instanceId}' is not in a valid state for this operation.`;
  throw new Ec2Fault('InvalidInstanceID', message);
}

function targetAddress(eni: NetworkInterface, privateIp: string | undefined): PrivateAddress {
  const wanted = privateIp === undefined ? undefined : parseIp(privateIp);
  const target = eni.addresses.find((address) => (privateIp === undefined ? address.primary : address.ip === wanted));
  if (target === undefined) {
    throw invalidValue(`The private IP address ${privateIp} is not assigned to network interface ${eni.id}`);
  }
  return target;
}

function writeAddress(
  state: CloudState,
  networkInterfaceId: string,
  address: PrivateAddress & { readonly ip: IpAddress },
): void {
  const eni = state.requireInterfaceNow(networkInterfaceId);
  state.putInterface({ ...eni, addresses: eni.addresses.map((old) => (old.ip === address.ip ? address : old)) });
}
