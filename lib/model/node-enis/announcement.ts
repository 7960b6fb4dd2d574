import { type EniId, type Mac, mac } from '../eni.ts';
import { type Cidr, type IpAddress, parseCidr, parseIp } from '../ip.ts';
import { integerOf, isObject, objectsOf, parseJson, textOf } from '../json.ts';

/** Annotation on a Node in which the controller announces the node's interfaces to the node's agent. docs/node-enis.md, "Contract". */
export const ANNOUNCEMENT = 'eni-agent.io/node-enis';
/** Condition of a Node in which its agent reports whether the announced links are ready. */
export const LINKS_READY = 'eni-agent.io/NodeENIsReady';
/** Label of a Node, written by its agent: `ready` while the condition is True, absent otherwise. */
export const LINKS_READY_LABEL = 'eni-agent.io/node-enis';
/** Startup taint that keeps pods away until the links are ready; the node's agent removes it. */
export const NOT_READY_TAINT = 'eni-agent.io/not-ready';

/** What a node is to have, and what it has. */
export interface Announcement {
  /** Interfaces that objects want on this node. It is complete when as many are `attached` in {@link interfaces}. */
  readonly wanted: number;
  readonly interfaces: readonly AnnouncedInterface[];
}

/** One interface that EC2 has attached to the node, or is attaching: the link may appear seconds later. */
export interface AnnouncedInterface {
  /** Name of the NodeENI object. */
  readonly nodeEni: string;
  readonly index: number;
  readonly id: EniId;
  readonly mac: Mac;
  readonly subnetId: string;
  readonly cidrs: readonly Cidr[];
  /** The primary address, which the host must not use. */
  readonly address: IpAddress | undefined;
  readonly deviceIndex: number;
  readonly networkCard: number;
  /** Alternative name that the link must have; undefined: none. */
  readonly name: string | undefined;
  readonly mtu: number | undefined;
  /** `leaving`: it will be detached when no pod uses it; no new pod may begin to. */
  readonly state: 'attached' | 'leaving';
}

/** The annotation's text: the same announcement always gives the same text. */
export function renderAnnouncement({ wanted, interfaces }: Announcement): string {
  const ordered = interfaces.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return JSON.stringify({
    wanted,
    interfaces: ordered.map((one) => ({
      nodeENI: one.nodeEni,
      index: one.index,
      id: one.id,
      mac: one.mac,
      subnetID: one.subnetId,
      cidrs: one.cidrs,
      address: one.address,
      deviceIndex: one.deviceIndex,
      networkCard: one.networkCard,
      name: one.name,
      mtu: one.mtu,
      state: one.state,
    })),
  });
}

/** Undefined for a text that no controller of ours wrote. Entries without what identifies an interface are left out. */
export function parseAnnouncement(text: string | undefined): Announcement | undefined {
  const raw = text === undefined ? undefined : parseJson(text);
  if (!isObject(raw)) return undefined;
  const wanted = integerOf(raw['wanted']);
  if (wanted === undefined || wanted < 0) return undefined;
  return { wanted, interfaces: objectsOf(raw['interfaces']).flatMap((entry) => toInterface(entry) ?? []) };
}

function toInterface(raw: Record<string, unknown>): AnnouncedInterface | undefined {
  const [id, address] = [textOf(raw['id']), textOf(raw['mac'])];
  if (id === undefined || address === undefined || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(address)) return undefined;
  const cidrs = Array.isArray(raw['cidrs']) ? raw['cidrs'] : [];
  return {
    nodeEni: textOf(raw['nodeENI']) ?? '',
    index: integerOf(raw['index']) ?? 0,
    id,
    mac: mac(address),
    subnetId: textOf(raw['subnetID']) ?? '',
    cidrs: cidrs.flatMap((cidr) => parseCidr(textOf(cidr) ?? '') ?? []),
    address: parseIp(textOf(raw['address']) ?? ''),
    deviceIndex: integerOf(raw['deviceIndex']) ?? 1,
    networkCard: integerOf(raw['networkCard']) ?? 0,
    name: textOf(raw['name']),
    mtu: integerOf(raw['mtu']),
    state: raw['state'] === 'leaving' ? 'leaving' : 'attached',
  };
}
