import type { Cidr, IpAddress } from '../../lib/model/ip.ts';
import { cidr, contains, parseIp } from '../../lib/model/ip.ts';
import { Ec2Fault, invalidValue, missingParameter, notFound, notYours } from './ec2-fault.ts';
import { requireNamedElasticIp } from './elastic-ip-associations.ts';
import type { PublicPool } from './entities.ts';
import { addressAt, sizeOf } from './ip-range.ts';
import type { CloudState } from './state.ts';
import type { TagSpecification } from './tags.ts';
import { tagsFor } from './tags.ts';

/** Where Amazon's public addresses come from here: the block reserved for benchmarking (RFC 2544). */
const amazonAddresses = cidr('198.18.0.0/15');

export interface AllocateAddressInput {
  readonly domain?: string | undefined;
  /** A released address to recover, or one to choose from an own pool. */
  readonly address?: string | undefined;
  /** @default `amazon` */
  readonly publicIpv4Pool?: string | undefined;
  readonly networkBorderGroup?: string | undefined;
  readonly tagSpecifications?: readonly TagSpecification[] | undefined;
}

/**
 * Allocates an EIP. There is no idempotency token: repeating the call allocates another one. (facts §1.6)
 * @throws {Ec2Fault} AddressLimitExceeded, InsufficientAddressCapacity, InvalidAddress.NotFound, AuthFailure …
 */
export function allocateAddress(state: CloudState, input: AllocateAddressInput) {
  const tags = tagsFor('elastic-ip', input.tagSpecifications ?? []);
  const pool = requirePool(state, input.publicIpv4Pool ?? 'amazon');
  if (pool === undefined) assertQuota(state);
  const borderGroup = input.networkBorderGroup ?? pool?.borderGroup ?? state.region;
  if (borderGroup !== (pool?.borderGroup ?? state.region)) {
    throw invalidValue(`The network border group ${borderGroup} is not available here.`);
  }
  const publicIp =
    input.address === undefined
      ? freePublicIp(state, pool?.cidr ?? amazonAddresses)
      : chosenPublicIp(state, pool, input.address);

  const allocationId = state.ids.next('eipalloc');
  const common = { publicIp, allocationId, tags };
  const poolId = pool?.id ?? 'amazon';
  state.elasticIps.put(allocationId, {
    ...common,
    pool: poolId,
    borderGroup,
    serviceManaged: undefined,
    association: undefined,
  });
  state.allocationByPublicIp.set(publicIp, allocationId);
  state.releasedPublicIps.delete(publicIp);
  return { publicIp, allocationId, domain: 'vpc', publicIpv4Pool: poolId, networkBorderGroup: borderGroup };
}

export interface ReleaseAddressInput {
  readonly allocationId?: string | undefined;
  readonly publicIp?: string | undefined;
  readonly networkBorderGroup?: string | undefined;
}

/**
 * Gives an EIP back. Refuses one that is associated, as in a VPC that is not the default one. (facts §1.6)
 * @throws {Ec2Fault} InvalidIPAddress.InUse, InvalidAllocationID.NotFound, AuthFailure …
 */
export function releaseAddress(state: CloudState, input: ReleaseAddressInput) {
  if (input.allocationId === undefined && input.publicIp !== undefined) {
    const publicIp = parseIp(input.publicIp);
    if (publicIp !== undefined && state.foreignPublicIps.has(publicIp)) throw notYours();
    requireNamedElasticIp(state, { publicIp: input.publicIp });
    throw invalidValue('You must specify an allocation id when releasing a VPC elastic IP address');
  }
  if (input.allocationId === undefined) throw missingParameter('AllocationId');
  const released = state.releasedAllocations.get(input.allocationId);
  if (released !== undefined && state.foreignPublicIps.has(released)) throw notYours();
  const elasticIp = state.requireElasticIp(input.allocationId);
  if (elasticIp.serviceManaged !== undefined) throw notYours();
  if (input.networkBorderGroup !== undefined && input.networkBorderGroup !== elasticIp.borderGroup) {
    throw notFound('address', elasticIp.publicIp);
  }
  if (elasticIp.association !== undefined) {
    throw new Ec2Fault('InvalidIPAddress.InUse', `Address ${elasticIp.publicIp} is in use.`);
  }

  state.elasticIps.delete(elasticIp.allocationId);
  state.allocationByPublicIp.delete(elasticIp.publicIp);
  state.releasedAllocations.set(elasticIp.allocationId, elasticIp.publicIp);
  if (elasticIp.pool === 'amazon') state.releasedPublicIps.add(elasticIp.publicIp);
  return { return: true };
}

/** Addresses of an own pool that nobody has, at a moment that Describe knows about. */
export function availableInPool(state: CloudState, pool: PublicPool, moment: number): number {
  const used = state.elasticIps.all(moment).filter((elasticIp) => elasticIp.pool === pool.id).length;
  return Number(sizeOf(pool.cidr)) - used;
}

/** A public address that nobody has and that was never given away. @throws {Ec2Fault} InsufficientAddressCapacity */
function freePublicIp(state: CloudState, network: Cidr): IpAddress {
  const size = sizeOf(network);
  const from = state.cursors.get(network) ?? 0n;
  for (let step = 0n; step < size; step += 1n) {
    const offset = (from + step) % size;
    const publicIp = addressAt(network, offset);
    if (state.allocationByPublicIp.has(publicIp) || state.foreignPublicIps.has(publicIp)) continue;
    state.cursors.set(network, offset + 1n);
    return publicIp;
  }
  const message = 'Not enough addresses available to satisfy the request.';
  throw new Ec2Fault('InsufficientAddressCapacity', message, 500);
}

/** A public address lent to an instance at launch; its owner is `amazon`. */
export function lendPublicIp(state: CloudState): IpAddress {
  const publicIp = freePublicIp(state, amazonAddresses);
  state.foreignPublicIps.add(publicIp);
  return publicIp;
}

function chosenPublicIp(state: CloudState, pool: PublicPool | undefined, text: string): IpAddress {
  const publicIp = parseIp(text);
  if (publicIp === undefined) throw new Ec2Fault('InvalidAddress.Malformed', `Invalid IPv4 address: "${text}"`);
  if (state.foreignPublicIps.has(publicIp)) throw notYours();
  const known = pool === undefined ? state.releasedPublicIps.has(publicIp) : contains(pool.cidr, publicIp);
  if (!known || state.allocationByPublicIp.has(publicIp)) throw notFound('address', publicIp);
  return publicIp;
}

function requirePool(state: CloudState, poolId: string): PublicPool | undefined {
  if (poolId === 'amazon') return undefined;
  const pool = state.pools.get(poolId);
  if (pool === undefined) throw notFound('pool', poolId);
  return pool;
}

/** Own pools and service-managed addresses do not count (facts §1.6, §3). */
function assertQuota(state: CloudState): void {
  const counted = state.elasticIps.all(state.now()).filter((elasticIp) => elasticIp.pool === 'amazon');
  if (counted.filter((elasticIp) => elasticIp.serviceManaged === undefined).length < state.knobs.elasticIpQuota) return;
  throw new Ec2Fault('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
}
