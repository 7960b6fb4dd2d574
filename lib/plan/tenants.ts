import { declares } from '../model/addresses/floating-declaration.ts';
import type { ObjectClaim } from '../model/eip-objects/eip-object.ts';
import type { EipRequests, EipSource, ElasticIpClaim } from '../model/elastic-ips/claim.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import type { EniObject } from '../model/eni-objects/eni-object.ts';
import type { IpAddress } from '../model/ip.ts';
import type { Refusal } from '../model/refusal.ts';
import { coversTarget, type ElasticIpGrant, grantsOf, type TenantPolicy } from '../model/tenant-policy.ts';

/** Whether the tenant policy lets pods of a namespace have an address that IPAM did not give them. */
export function mayFloat(policy: TenantPolicy, namespace: string, address: IpAddress): boolean {
  const grants = grantsOf(policy, namespace);
  return grants === undefined || declares(grants.floatingIps, address);
}

/** Why a pod's address is not served: the policy does not grant it to the namespace. */
export function notGranted(namespace: string, address: IpAddress): Refusal {
  const message = `the tenant policy does not grant ${address} to namespace ${namespace}; add it to ${namespace}.floating-ips, or remove it from the pod`;
  return { reason: 'NotAllowed', message, address };
}

/** Whether the tenant policy lets pods of a namespace have route tables lead to them for an address. */
export function mayRoute(policy: TenantPolicy, namespace: string, address: IpAddress): boolean {
  const grants = grantsOf(policy, namespace);
  return grants === undefined || declares(grants.routedIps, address);
}

/** Why no route leads to a pod's address: the policy does not grant it to the namespace. */
export function routeNotGranted(namespace: string, address: IpAddress): Refusal {
  const message = `the tenant policy does not grant routes to ${address} to namespace ${namespace}; add it to ${namespace}.routed-ips, or remove it from the pod`;
  return { reason: 'NotAllowed', message, address };
}

/**
 * A pod's Elastic IPs, without those that the tenant policy does not grant to its namespace: each of these becomes a refusal. What an
 * object handed over is let through, because the controller asked the policy about the object.
 */
export function grantedRequests(requests: EipRequests, policy: TenantPolicy): EipRequests {
  if (!policy.closed) return requests;
  const refused: Refusal[] = [];
  const claims = requests.claims.filter((claim) => {
    const refusal = refuseClaim(claim, policy);
    if (refusal !== undefined) refused.push(refusal);
    return refusal === undefined;
  });
  return { claims, refusals: [...requests.refusals, ...refused] };
}

function refuseClaim({ dialect, owner, source }: ElasticIpClaim, policy: TenantPolicy): Refusal | undefined {
  const grants = grantsOf(policy, owner.namespace)?.elasticIps ?? [];
  if (dialect === 'handover' ? grants.length > 0 : grants.some((grant) => covers(grant, source))) return undefined;
  return notAllowed(owner.namespace, 'elastic-ips', written(source));
}

/**
 * Why the tenant policy refuses an EIP object: its namespace is not granted Elastic IPs of that pool, or not that target. Undefined when
 * it may be served; an object that is being deleted always may.
 */
export function refuseObject(
  { object, allocation, assignment }: ObjectClaim,
  policy: TenantPolicy,
): Refusal | undefined {
  const { namespace, deleting } = object;
  const grants = grantsOf(policy, namespace);
  if (grants === undefined || deleting) return undefined;
  const pools = allocation.pools.length === 0 ? [AMAZON_POOL] : allocation.pools;
  const ungranted = pools.find((pool) => !grants.elasticIps.some((grant) => covers(grant, { kind: 'allocate', pool })));
  if (ungranted !== undefined)
    return notAllowed(namespace, 'elastic-ips', written({ kind: 'allocate', pool: ungranted }));
  // A public address picked by hand may be anybody's of that pool.
  if (allocation.address !== undefined && !grants.elasticIps.some(({ kind }) => kind === 'any'))
    return notAllowed(namespace, 'elastic-ips', `the public address ${allocation.address}`, '*');
  const { eipTargets: targets } = grants;
  if (assignment.kind === 'node' && !targets.nodes) return notAllowed(namespace, 'eip-targets', 'nodes');
  if (assignment.kind === 'eni' && !targets.enis) return notAllowed(namespace, 'eip-targets', 'enis');
  if (assignment.kind === 'private-ip' && !coversTarget(targets, assignment.address))
    return notAllowed(namespace, 'eip-targets', assignment.address);
  return undefined;
}

/**
 * Why the tenant policy refuses an ENI object: its namespace is not granted that subnet, or one of the security groups. Undefined when it
 * may be served.
 */
export function refuseEni(
  { namespace, spec }: Pick<EniObject, 'namespace' | 'spec'>,
  policy: TenantPolicy,
): Refusal | undefined {
  const grants = grantsOf(policy, namespace)?.enis;
  if (grants === undefined || grants.any) return undefined;
  if (!grants.subnets.includes(spec.subnetId)) return notAllowed(namespace, 'enis', spec.subnetId || 'a subnet');
  const group = spec.securityGroups.find((each) => !grants.securityGroups.includes(each));
  return group === undefined ? undefined : notAllowed(namespace, 'enis', group);
}

function covers(grant: ElasticIpGrant, source: EipSource): boolean {
  if (grant.kind === 'any') return true;
  if (grant.kind === 'allocate') return source.kind === 'allocate' && source.pool === grant.pool;
  if (grant.kind === 'fixed') return source.kind === 'fixed' && source.allocationId === grant.allocationId;
  return (
    source.kind === 'tagged' && source.key === grant.key && (grant.value === undefined || grant.value === source.value)
  );
}

function written(source: EipSource): string {
  if (source.kind === 'fixed') return source.allocationId;
  if (source.kind === 'allocate') return source.pool === AMAZON_POOL ? 'auto' : `auto:${source.pool}`;
  return source.value === undefined ? `tag:${source.key}` : `tag:${source.key}=${source.value}`;
}

function notAllowed(namespace: string, aspect: string, what: string, grant: string = what): Refusal {
  const message = `the tenant policy does not grant ${what} to namespace ${namespace}; add ${grant} to ${namespace}.${aspect}, or ask for something else`;
  return { reason: 'NotAllowed', message };
}
