import { familyOf, hostPrefixLength, type IpAddress, isGlobalUnicast, parseHostCidr, parseIp } from '../ip.ts';
import { isObject, type JsonObject, objectsOf, textOf } from '../json.ts';
import { parseTableSelector, type TableSelector } from '../routed-ips/declaration.ts';
import type { TableStatus } from '../routed-ips/route-plan.ts';

/** One address of a FloatingIP as the interface must have it. */
export interface HostAddress {
  readonly address: IpAddress;
  /** 32 or 128 unless the object says otherwise: an address alone never becomes the parent of others on the interface. */
  readonly prefixLength: number;
}

/** A node-level address: the object `FloatingIP` of `eni-agent.io/v1alpha1`, without what no decision needs. */
export interface FloatingIp {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  /** RFC 3339. Of two objects with one address the older one has it. */
  readonly createdAt: string;
  readonly addresses: readonly HostAddress[];
  /** Labels that a node must have, all of them; none: every node. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Host interface; undefined: that of the ENI whose subnet contains the address. */
  readonly interface: string | undefined;
  /** Where its Elastic IP comes from, in the words of the annotation `eni-agent.io/eip`; undefined: it has none. */
  readonly elasticIp: string | undefined;
  /** Route tables that lead the addresses to the holder's ENI; empty: the ENI has the addresses. */
  readonly routeTables: readonly TableSelector[];
  /** Nodes that go first in an election, the earlier the sooner. */
  readonly preferredNodes: readonly string[];
  /** What of the spec makes no sense; then nobody serves the object. */
  readonly faults: readonly string[];
  readonly status: FloatingIpStatus;
}

export interface FloatingIpStatus {
  readonly node: string;
  readonly networkInterfaceId: string;
  readonly publicIp: string;
  /** RFC 3339; empty when nobody holds it. */
  readonly since: string;
  /** Each route table of `spec.routeTables` as the holder knows it; empty without them, and while nobody serves. */
  readonly routeTables: readonly RouteTableStatus[];
  readonly conditions: readonly FloatingIpCondition[];
}

/** Where one route table stands: the worst of all addresses. */
export interface RouteTableStatus {
  readonly table: string;
  readonly state: TableState;
  /** Empty when there is nothing against it. */
  readonly reason: string;
}

export interface FloatingIpCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

type TableState = TableStatus['state'];

const TABLE_STATES: readonly TableState[] = ['assigned', 'pending', 'refused'];

/** The condition that says whether the addresses are served, and why not. */
export const READY = 'Ready';

/** As many as one ENI can hold at most. */
const MAX_ADDRESSES = 64;
const MAX_TABLES = 64;

/** Reads an object of the API. Never throws: the server's schema keeps most nonsense out, and the rest becomes `faults`. */
export function floatingIpOf(raw: unknown): FloatingIp | undefined {
  const object = isObject(raw) ? raw : {};
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const name = textOf(metadata['name']);
  if (name === undefined) return undefined;
  const spec = isObject(object['spec']) ? object['spec'] : {};
  const elasticIp = textOf(spec['elasticIP']);
  const { addresses, faults } = addressesOf(spec['addresses']);
  const tables = routeTablesOf(spec['routeTables']);
  faults.push(...tables.faults);
  if (elasticIp !== undefined && tables.routeTables.length > 0)
    faults.push(
      'spec.elasticIP is not possible with spec.routeTables: EC2 associates Elastic IPs with addresses of ENIs',
    );
  if (elasticIp !== undefined && addresses.length > 0 && !addresses.some(({ address }) => familyOf(address) === 4))
    faults.push('spec.elasticIP needs an IPv4 address in spec.addresses');
  return {
    name,
    uid: textOf(metadata['uid']) ?? '',
    generation: typeof metadata['generation'] === 'number' ? metadata['generation'] : 0,
    resourceVersion: textOf(metadata['resourceVersion']) ?? '',
    createdAt: textOf(metadata['creationTimestamp']) ?? '',
    addresses,
    nodeSelector: textsOf(spec['nodeSelector']),
    interface: textOf(spec['interface']),
    elasticIp,
    routeTables: tables.routeTables,
    preferredNodes: listOfTexts(spec['preferredNodes']),
    faults,
    status: statusOf(isObject(object['status']) ? object['status'] : {}),
  };
}

/** `address` or `address/prefix length`; undefined for anything that a VPC could not route. */
export function parseHostAddress(text: string): HostAddress | undefined {
  const bare = parseIp(text);
  const parsed = bare === undefined ? parseHostCidr(text) : { address: bare, prefixLength: hostPrefixLength(bare) };
  return parsed !== undefined && isGlobalUnicast(parsed.address) ? parsed : undefined;
}

function addressesOf(value: unknown): { addresses: readonly HostAddress[]; faults: string[] } {
  const texts = listOfTexts(value);
  const faults: string[] = [];
  const addresses = new Map<IpAddress, HostAddress>();
  for (const text of texts.slice(0, MAX_ADDRESSES)) {
    const parsed = parseHostAddress(text);
    if (parsed === undefined) {
      faults.push(`${JSON.stringify(text.slice(0, 80))} is not an address that EC2 can assign`);
      continue;
    }
    const { address, prefixLength } = addresses.get(parsed.address) ?? parsed;
    if (prefixLength !== parsed.prefixLength)
      faults.push(`${address} is listed twice, as /${prefixLength} and as /${parsed.prefixLength}`);
    else addresses.set(address, parsed);
  }
  if (texts.length === 0) faults.push('spec.addresses is empty');
  if (texts.length > MAX_ADDRESSES) faults.push(`spec.addresses has more than ${MAX_ADDRESSES} entries`);
  return { addresses: [...addresses.values()], faults };
}

function routeTablesOf(value: unknown): { routeTables: readonly TableSelector[]; faults: string[] } {
  const texts = listOfTexts(value);
  const faults = texts.length > MAX_TABLES ? [`spec.routeTables has more than ${MAX_TABLES} entries`] : [];
  const routeTables = texts.slice(0, MAX_TABLES).flatMap((text) => {
    const selector = parseTableSelector(text.trim());
    if (selector === undefined)
      faults.push(
        `${JSON.stringify(text.slice(0, 80))} names no route table; write rtb-ID, tag:KEY, tag:KEY=VALUE or "*"`,
      );
    return selector ?? [];
  });
  return { routeTables, faults };
}

function statusOf(status: JsonObject): FloatingIpStatus {
  return {
    node: textOf(status['node']) ?? '',
    networkInterfaceId: textOf(status['networkInterfaceID']) ?? '',
    publicIp: textOf(status['publicIP']) ?? '',
    since: textOf(status['since']) ?? '',
    routeTables: objectsOf(status['routeTables']).map((entry) => ({
      table: textOf(entry['table']) ?? '',
      state: TABLE_STATES.find((state) => state === entry['state']) ?? 'pending',
      reason: textOf(entry['reason']) ?? '',
    })),
    conditions: objectsOf(status['conditions']).map((condition) => ({
      type: textOf(condition['type']) ?? '',
      status: condition['status'] === 'True' ? 'True' : condition['status'] === 'False' ? 'False' : 'Unknown',
      reason: textOf(condition['reason']) ?? '',
      message: textOf(condition['message']) ?? '',
      observedGeneration: typeof condition['observedGeneration'] === 'number' ? condition['observedGeneration'] : 0,
      lastTransitionTime: textOf(condition['lastTransitionTime']) ?? '',
    })),
  };
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function listOfTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
