import { mac } from '../eni.ts';
import { parseIp } from '../ip.ts';
import { integerOf, isObject, type JsonObject, objectsOf, shown, textOf } from '../json.ts';
import type {
  NetworkSelector,
  NodeEni,
  NodeEniCondition,
  NodeEniEntry,
  NodeEniSpec,
  NodeEniState,
} from './node-eni.ts';
import { isNodeEniReason } from './reasons.ts';

/** The parts of an API object that are read; the server's schema has seen it, but an older one may have let more in. */
export interface NodeEniSource {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  readonly spec: JsonObject;
  readonly status: JsonObject;
}

const MAX_COUNT = 15;

/** Reads a `NodeENI` of `eni-agent.io/v1alpha1`. Never throws: what cannot be understood becomes `faults`. */
export function toNodeEni(source: NodeEniSource): NodeEni {
  const { name, uid, resourceVersion, generation, deleting: terminating, finalizers } = source;
  const faults: string[] = [];
  const spec = toSpec(source.spec, faults);
  const about = { name, uid, resourceVersion, generation, terminating, finalizers };
  return { dialect: 'own', ...about, spec, faults, unsupported: undefined, status: toStatus(source.status) };
}

function toSpec(raw: JsonObject, faults: string[]): NodeEniSpec {
  const nodeSelector = toTexts(raw['nodeSelector']);
  if (Object.keys(nodeSelector).length === 0) faults.push('spec.nodeSelector names no label');
  const subnets = selectorsOf(raw['subnets'], 'subnets', faults);
  if (subnets.length === 0) faults.push('spec.subnets is empty');
  const count = integerOf(raw['count']) ?? 1;
  if (count < 1 || count > MAX_COUNT) faults.push(`spec.count is ${shown(raw['count'])}, not 1 to ${MAX_COUNT}`);
  return {
    nodeSelector,
    subnets,
    securityGroups: selectorsOf(raw['securityGroups'], 'securityGroups', faults),
    count,
    deviceIndex: integerOf(raw['deviceIndex']),
    networkCard: integerOf(raw['networkCard']),
    interfaceName: textOf(raw['interfaceName']),
    mtu: integerOf(raw['mtu']),
    sourceDestCheck: typeof raw['sourceDestCheck'] === 'boolean' ? raw['sourceDestCheck'] : undefined,
    description: textOf(raw['description']),
    tags: toTexts(raw['tags']),
    deletionPolicy: raw['deletionPolicy'] === 'Retain' ? 'Retain' : 'Delete',
  };
}

function selectorsOf(value: unknown, field: string, faults: string[]): NetworkSelector[] {
  return objectsOf(value).flatMap((raw): NetworkSelector[] => {
    const [id, name] = [textOf(raw['id']), textOf(raw['name'])];
    const tags = toTexts(raw['tags']);
    if (id !== undefined) return [{ id }];
    if (name !== undefined) return [{ name }];
    if (Object.keys(tags).length > 0) return [{ tags }];
    faults.push(`spec.${field} has an entry without id${field === 'subnets' ? '' : ', name'} or tags`);
    return [];
  });
}

function toTexts(value: unknown): Record<string, string> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function toStatus(raw: JsonObject): NodeEni['status'] {
  return {
    observedGeneration: integerOf(raw['observedGeneration']) ?? 0,
    desired: integerOf(raw['desired']) ?? 0,
    attached: integerOf(raw['attached']) ?? 0,
    ready: integerOf(raw['ready']) ?? 0,
    failed: integerOf(raw['failed']) ?? 0,
    nodes: objectsOf(raw['nodes']).map(toEntry),
    condition: toCondition(raw['conditions']),
  };
}

function toEntry(raw: JsonObject): NodeEniEntry {
  const [address, reason] = [textOf(raw['macAddress']), textOf(raw['reason'])];
  return {
    node: textOf(raw['node']) ?? '',
    instanceId: textOf(raw['instanceID']) ?? '',
    index: integerOf(raw['index']) ?? 0,
    networkInterfaceId: textOf(raw['networkInterfaceID']),
    macAddress: address === undefined ? undefined : mac(address),
    subnetId: textOf(raw['subnetID']),
    zone: textOf(raw['availabilityZone']),
    address: parseIp(textOf(raw['privateIPAddress']) ?? ''),
    deviceIndex: integerOf(raw['deviceIndex']),
    networkCard: integerOf(raw['networkCard']),
    attachmentId: textOf(raw['attachmentID']),
    interfaceName: textOf(raw['interfaceName']),
    state: (textOf(raw['state']) ?? 'Pending') as NodeEniState,
    reason: reason !== undefined && isNodeEniReason(reason) ? reason : undefined,
    message: textOf(raw['message']) ?? '',
  };
}

function toCondition(raw: unknown): NodeEniCondition | undefined {
  const ready = objectsOf(raw).find(({ type }) => type === 'Ready');
  const reason = textOf(ready?.['reason']);
  if (ready === undefined || reason === undefined || !isNodeEniReason(reason)) return undefined;
  const since = textOf(ready['lastTransitionTime']);
  return {
    status: ready['status'] === 'True' ? 'True' : 'False',
    reason,
    message: textOf(ready['message']) ?? '',
    ...(since === undefined ? {} : { since }),
  };
}
