import { isRecord, type KubeObject } from '../../kube/object.ts';
import type { Family } from '../addresses.ts';
import type { WorldEni } from '../topology.ts';
import type { WorldNode } from '../world-node.ts';

/** One network that a pod wants to be attached to. */
export interface Attachment {
  readonly namespace: string;
  readonly network: string;
  readonly ifName: string;
}

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

/** What Multus would attach, from the pod's annotation in its short form (`ns/name@if, …`) or as JSON. */
export function attachmentsOf({ metadata }: KubeObject): readonly Attachment[] {
  const text = metadata.annotations?.[NETWORKS]?.trim() ?? '';
  const own = metadata.namespace ?? 'default';
  return entriesOf(text).map(({ namespace = own, name, ifName }, index) => ({
    namespace,
    network: name,
    ifName: ifName ?? `net${index + 1}`,
  }));
}

interface Entry {
  readonly namespace?: string;
  readonly name: string;
  readonly ifName?: string;
}

function entriesOf(text: string): readonly Entry[] {
  if (text.startsWith('[')) return jsonEntries(text);
  return text
    .split(',')
    .map((entry) => /^(?:([\w.-]+)\/)?([\w.-]+)(?:@([\w.-]+))?$/.exec(entry.trim()))
    .flatMap((match) => (match?.[2] === undefined ? [] : [entry(match[1], match[2], match[3])]));
}

function jsonEntries(text: string): readonly Entry[] {
  const list = JSON.parse(text) as readonly Readonly<Record<string, string>>[];
  return list.flatMap(({ namespace, name, interface: ifName }) =>
    name === undefined ? [] : [entry(namespace, name, ifName)],
  );
}

function entry(namespace: string | undefined, name: string, ifName: string | undefined): Entry {
  return { name, ...(namespace !== undefined && { namespace }), ...(ifName !== undefined && { ifName }) };
}

/** The ENI of a node for a network, and which families its IPAM hands out; undefined where the node has no ENI in that subnet. */
export function placeOn(
  { enis }: Pick<WorldNode, 'enis'>,
  definition: KubeObject | undefined,
): { readonly eni: WorldEni; readonly families: readonly Family[] } | undefined {
  if (definition === undefined) return undefined;
  const ranges = rangesOf(definition);
  const eni = enis.find(({ subnet }) =>
    ranges.length === 0
      ? subnet.name === definition.metadata.name
      : ranges.some((range) => range === subnet.cidr || range === subnet.ipv6Cidr),
  );
  if (eni === undefined) return undefined;
  const families = ranges.map((range): Family => (range.includes(':') ? 6 : 4));
  return { eni, families: families.length === 0 ? [4] : families };
}

/** The subnets in the `ipam` of a network's CNI configuration, as whereabouts and host-local write them. */
function rangesOf({ spec }: KubeObject): readonly string[] {
  const config: unknown = JSON.parse(typeof spec?.['config'] === 'string' ? spec['config'] : '{}');
  const ipam = isRecord(config) && isRecord(config['ipam']) ? config['ipam'] : {};
  const several = Array.isArray(ipam['ipRanges']) ? ipam['ipRanges'].filter(isRecord) : [];
  return [ipam, ...several].flatMap(({ range, subnet }) => {
    const text = range ?? subnet;
    return typeof text === 'string' ? [text] : [];
  });
}
