import { type FloatingDeclaration, parseFloatingIps } from './addresses/floating-declaration.ts';
import type { EipSource } from './elastic-ips/claim.ts';
import type { Cidr, IpAddress } from './ip.ts';
import { contains, hostPrefixLength, parseCidr, parseIp } from './ip.ts';

/** What the pods and objects of one namespace may ask for. */
export interface TenantGrants {
  /** Addresses beyond those of IPAM that its pods may have and take over. */
  readonly floatingIps: FloatingDeclaration;
  /** Addresses for which its pods may have route tables lead to them. */
  readonly routedIps: FloatingDeclaration;
  readonly elasticIps: readonly ElasticIpGrant[];
  /** What its EIP objects may name beside pods of the namespace. */
  readonly eipTargets: EipTargetGrants;
  /** Where, and with which security groups, its ENI objects may have interfaces. */
  readonly enis: EniGrants;
}

/** `any`: every Elastic IP, however obtained. A `tagged` grant without a value covers all values of the key. */
export type ElasticIpGrant = EipSource | { readonly kind: 'any' };

export interface EipTargetGrants {
  /** Nodes, chosen by labels. */
  readonly nodes: boolean;
  /** ENI objects of the namespace. */
  readonly enis: boolean;
  /** Private addresses of the VPC. */
  readonly networks: readonly Cidr[];
}

export interface EniGrants {
  /** Every subnet and security group. */
  readonly any: boolean;
  readonly subnets: readonly string[];
  /** Beyond the default group of the VPC, which an object gets that names none. */
  readonly securityGroups: readonly string[];
}

/** Who may declare which floating IPs, Elastic IPs, targets and interfaces. Without any entry everything is open. */
export interface TenantPolicy {
  /** False: no policy is in force, and every namespace may ask for everything. */
  readonly closed: boolean;
  readonly namespaces: ReadonlyMap<string, TenantGrants>;
  /** Of namespaces that are not listed. */
  readonly others: TenantGrants;
}

export const OPEN_POLICY: TenantPolicy = { closed: false, namespaces: new Map(), others: nothing() };

export interface ParsedPolicy {
  readonly policy: TenantPolicy;
  /** Every mistake, each naming its entry and the fix. A faulty element grants nothing; the others count. */
  readonly faults: readonly string[];
}

/** Stands for all namespaces without an entry; no namespace can have an underscore in its name. */
const OTHERS = '_others';

/** A namespace, or all that no entry names. */
const SUBJECT = /^(?:_others|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;
const ASPECTS = ['floating-ips', 'routed-ips', 'elastic-ips', 'eip-targets', 'enis'] as const;

/**
 * Reads the entries of the tenant policy: `NAMESPACE.floating-ips`, `NAMESPACE.routed-ips`, `NAMESPACE.elastic-ips`,
 * `NAMESPACE.eip-targets`, `NAMESPACE.enis`, and `_others.…` for namespaces without an entry of their own; each value a list, separated by
 * commas or blanks. No entry at all leaves everything open. Never throws.
 */
export function parseTenantPolicy(entries: ReadonlyMap<string, string>): ParsedPolicy {
  const faults: string[] = [];
  const namespaces = new Map<string, TenantGrants>();
  for (const [key, text] of [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [namespace = '', aspect, ...rest] = key.split('.');
    const known = ASPECTS.find((each) => each === aspect);
    if (known === undefined || rest.length > 0 || !SUBJECT.test(namespace)) {
      faults.push(`${key} is not an entry; write NAMESPACE or ${OTHERS}, a dot, and one of ${ASPECTS.join(', ')}`);
      continue;
    }
    const grants = namespaces.get(namespace) ?? nothing();
    namespaces.set(namespace, { ...grants, ...readAspect(known, key, text, (fault) => faults.push(fault)) });
  }
  const others = namespaces.get(OTHERS) ?? nothing();
  namespaces.delete(OTHERS);
  return { policy: { closed: entries.size > 0, namespaces, others }, faults };
}

/** Takes one mistake, reported with its entry and the fix. */
type Refuse = (fault: string) => void;
type Complain = (element: string, right: string) => void;

function readAspect(
  aspect: (typeof ASPECTS)[number],
  key: string,
  text: string,
  refuse: Refuse,
): Partial<TenantGrants> {
  if (aspect === 'floating-ips' || aspect === 'routed-ips') {
    const { value, refusals } = parseFloatingIps(text, key);
    for (const { message } of refusals) refuse(message);
    return aspect === 'floating-ips' ? { floatingIps: value } : { routedIps: value };
  }
  const complain = (element: string, right: string) =>
    refuse(`${key}: ${JSON.stringify(element.slice(0, 80))} ${right}`);
  const elements = text.split(/[\s,]+/).filter((element) => element !== '');
  if (aspect === 'elastic-ips') return { elasticIps: elements.flatMap((element) => readElasticIp(element, complain)) };
  return aspect === 'enis' ? { enis: readEnis(elements, complain) } : { eipTargets: readTargets(elements, complain) };
}

function readElasticIp(element: string, complain: Complain): readonly ElasticIpGrant[] {
  if (element === '*') return [{ kind: 'any' }];
  if (/^eipalloc-[0-9a-z]{1,32}$/.test(element)) return [{ kind: 'fixed', allocationId: element }];
  const [, pool] = /^auto(?::([\w-]{1,128}))?$/.exec(element) ?? [];
  if (element.split(':')[0] === 'auto' && (element === 'auto' || pool !== undefined))
    return [{ kind: 'allocate', pool: pool ?? 'amazon' }];
  const [, tag, value] = /^tag:([^=]+)(?:=(.*))?$/s.exec(element) ?? [];
  if (tag !== undefined) return [{ kind: 'tagged', key: tag, value }];
  complain(element, 'names no Elastic IP; write *, auto, auto:POOL, tag:KEY, tag:KEY=VALUE or eipalloc-ID');
  return [];
}

function readTargets(elements: readonly string[], complain: Complain): EipTargetGrants {
  const networks: Cidr[] = [];
  for (const element of elements) {
    if (['*', 'nodes', 'enis'].includes(element)) continue;
    const network = parseCidr(element) ?? networkOf(parseIp(element));
    if (network === undefined) complain(element, 'is not a target; write *, nodes, enis, an address or a CIDR');
    else networks.push(network);
  }
  const all = elements.includes('*');
  return {
    nodes: all || elements.includes('nodes'),
    enis: all || elements.includes('enis'),
    networks: all ? ['0.0.0.0/0' as Cidr, '::/0' as Cidr] : networks,
  };
}

function readEnis(elements: readonly string[], complain: Complain): EniGrants {
  const named = (prefix: string) =>
    elements.filter((element) => new RegExp(`^${prefix}-[0-9a-z]{1,32}$`).test(element));
  const [subnets, securityGroups] = [named('subnet'), named('sg')];
  for (const element of elements) {
    if (element === '*' || subnets.includes(element) || securityGroups.includes(element)) continue;
    complain(element, 'is neither a subnet nor a security group; write *, subnet-ID or sg-ID');
  }
  return { any: elements.includes('*'), subnets, securityGroups };
}

function networkOf(address: IpAddress | undefined): Cidr | undefined {
  return address && parseCidr(`${address}/${hostPrefixLength(address)}`);
}

function nothing(): TenantGrants {
  return {
    floatingIps: { any: false, addresses: [], networks: [] },
    routedIps: { any: false, addresses: [], networks: [] },
    elasticIps: [],
    eipTargets: { nodes: false, enis: false, networks: [] },
    enis: { any: false, subnets: [], securityGroups: [] },
  };
}

/** What a namespace may ask for; undefined when no policy is in force. */
export function grantsOf(policy: TenantPolicy, namespace: string): TenantGrants | undefined {
  return policy.closed ? (policy.namespaces.get(namespace) ?? policy.others) : undefined;
}

export function coversTarget({ networks }: EipTargetGrants, address: IpAddress): boolean {
  return networks.some((network) => contains(network, address));
}
