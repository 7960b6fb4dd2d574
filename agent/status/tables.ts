import type { EventFact } from '../../lib/model/status/cluster-facts.ts';
import type {
  AddressStatus,
  AgentStatus,
  ClusterStatus,
  ElasticIpStatus,
  EniStatus,
  FloatingIpState,
  NodeEniState,
  NodeStatus,
  PodStatus,
  RouteStatus,
} from '../../lib/model/status/cluster-status.ts';
import type { TextColumn } from '../text/columns.ts';
import type { Paint } from '../text/paint.ts';
import { routeTexts } from '../text/routes.ts';

/** The tables of `eni-agent status`; `wide` adds columns. */
export interface TableStyle {
  readonly paint: Paint;
  readonly wide: boolean;
  /** Ms since the epoch, for ages. */
  readonly now: number;
}

const BAR = 5;

export function nodeTable({ paint, wide }: TableStyle): TextColumn<NodeStatus>[] {
  const colour = ({ ready, agent }: NodeStatus) => (agent === 'ready' && ready ? paint.good : paint.bad);
  return [
    { head: 'NODE', cell: ({ name }) => name, yields: 2 },
    { head: 'AGENT', cell: ({ agent, ready }) => (ready ? agent : 'node down'), paint: colour },
    ...(wide ? [{ head: 'VERSION', cell: ({ version }: NodeStatus) => version ?? '-' }] : []),
    { head: 'ENIS', cell: ({ enis }) => String(enis.length), align: 'right' },
    { head: 'IPV4 SLOTS', cell: slotsText },
    { head: 'ASSIGNED', cell: ({ addresses }) => String(addresses.assigned), align: 'right' },
    {
      head: 'PENDING',
      cell: ({ addresses }) => String(addresses.pending),
      align: 'right',
      paint: ({ addresses }) => (addresses.pending > 0 ? paint.warn : same),
    },
    {
      head: 'REFUSED',
      cell: ({ addresses }) => String(addresses.refused),
      align: 'right',
      paint: ({ addresses }) => (addresses.refused > 0 ? paint.bad : same),
    },
    ...(wide
      ? [
          { head: 'INSTANCE', cell: ({ instanceId }: NodeStatus) => instanceId ?? '-' },
          { head: 'TYPE', cell: ({ instanceType }: NodeStatus) => instanceType ?? '-' },
          { head: 'ZONE', cell: ({ zone }: NodeStatus) => zone ?? '-' },
        ]
      : []),
  ];
}

/** One row for each ENI of each node. */
export interface EniRow {
  readonly node: string;
  readonly eni: EniStatus;
}

export function eniTable({ wide }: TableStyle): TextColumn<EniRow>[] {
  return [
    { head: 'NODE', cell: ({ node }) => node, yields: 1 },
    { head: 'ENI', cell: ({ eni }) => eni.id, yields: 2 },
    { head: 'DEVICE', cell: ({ eni }) => String(eni.deviceIndex ?? '-'), align: 'right' },
    { head: 'FOR', cell: ({ eni }) => eni.protection ?? 'pods' },
    { head: 'IPV4 SLOTS', cell: ({ eni }) => bar(eni.ipv4.used, eni.ipv4.limit) },
    { head: 'IPV6', cell: ({ eni }) => fraction(eni.ipv6.used, eni.ipv6.limit), align: 'right' },
    ...(wide ? [{ head: 'SUBNET', cell: ({ eni }: EniRow) => eni.subnetId ?? '-' }] : []),
  ];
}

export function podTable({ paint, wide }: TableStyle): TextColumn<PodStatus>[] {
  return [
    { head: 'NAMESPACE', cell: ({ namespace }) => namespace, yields: 1 },
    { head: 'POD', cell: ({ name }) => name, yields: 2 },
    { head: 'NODE', cell: ({ node }) => node || '-', yields: 3 },
    { head: 'STATE', cell: ({ state }) => state, paint: ({ state }) => colourOf(state, paint) },
    {
      head: 'ADDRESSES',
      cell: ({ addresses }) => addresses.map(({ address }) => address).join(',') || '-',
      yields: wide ? 0 : 5,
    },
    {
      head: 'REASON',
      cell: ({ reason, message }) => (wide && message ? `${reason}: ${message}` : (reason ?? '')),
      yields: wide ? 0 : 4,
    },
  ];
}

export function addressTable({ paint, wide }: TableStyle): TextColumn<AddressStatus>[] {
  return [
    { head: 'ADDRESS', cell: ({ address }) => address },
    { head: 'STATE', cell: ({ state }) => state, paint: ({ state }) => colourOf(state, paint) },
    { head: 'HOLDER', cell: ({ holder }) => holder.replace(/^Pod /, ''), yields: 2 },
    { head: 'IF', cell: ({ interface: name }) => name ?? '-' },
    { head: 'ENI', cell: ({ eni }) => eni ?? '-', yields: wide ? 0 : 4 },
    ...(wide
      ? [
          { head: 'NODE', cell: ({ node }: AddressStatus) => node || '-' },
          { head: 'KIND', cell: ({ kind }: AddressStatus) => kind ?? '-' },
          { head: 'PUBLIC IP', cell: ({ publicIp }: AddressStatus) => publicIp ?? '-' },
          { head: 'ROUTE TABLES', cell: ({ routes }: AddressStatus) => routesText(routes) },
          {
            head: 'REASON',
            cell: ({ reason, message }: AddressStatus) => [reason, message].filter(Boolean).join(': '),
          },
        ]
      : [{ head: 'REASON', cell: ({ reason }: AddressStatus) => reason ?? '', yields: 1 }]),
  ];
}

/** Each route table; with its reason, or state, where it does not lead to the holder. */
function routesText(routes: readonly RouteStatus[] | undefined): string {
  return routeTexts(routes).join(',') || '-';
}

export function elasticIpTable({ paint, wide }: TableStyle): TextColumn<ElasticIpStatus>[] {
  return [
    { head: 'PUBLIC IP', cell: ({ publicIp }) => publicIp || '-' },
    { head: 'STATE', cell: ({ state }) => state, paint: ({ state }) => colourOf(state, paint) },
    { head: 'HOLDER', cell: ({ holder }) => holder.replace(/^Pod /, ''), yields: 2 },
    { head: 'PRIVATE IP', cell: ({ privateIp }) => privateIp ?? '-' },
    { head: 'NODE', cell: ({ node }) => node || '-', yields: 3 },
    ...(wide
      ? [
          { head: 'ENI', cell: ({ eni }: ElasticIpStatus) => eni ?? '-' },
          { head: 'ALLOCATION', cell: ({ allocationId }: ElasticIpStatus) => allocationId ?? '-' },
          {
            head: 'REASON',
            cell: ({ reason, message }: ElasticIpStatus) => [reason, message].filter(Boolean).join(': '),
          },
        ]
      : [{ head: 'REASON', cell: ({ reason }: ElasticIpStatus) => reason ?? '', yields: 1 }]),
  ];
}

export function floatingIpTable({ paint, wide, now }: TableStyle): TextColumn<FloatingIpState>[] {
  return [
    { head: 'FLOATINGIP', cell: ({ name }) => name, yields: 1 },
    { head: 'ADDRESSES', cell: ({ addresses }) => addresses.join(','), yields: wide ? 0 : 2 },
    { head: 'HOLDER', cell: ({ node }) => node || '-', yields: 4 },
    { head: 'SINCE', cell: ({ since }) => ageText(since, now) },
    {
      head: 'SERVED',
      cell: ({ served }) => (served ? 'yes' : 'no'),
      paint: ({ served }) => (served ? paint.good : paint.bad),
    },
    { head: 'PUBLIC IP', cell: ({ publicIp }) => publicIp ?? '-' },
    ...(wide ? [{ head: 'ROUTE TABLES', cell: ({ routes }: FloatingIpState) => routesText(routes) }] : []),
    {
      head: 'REASON',
      cell: ({ served, reason, message }) => (served ? '' : wide ? `${reason}: ${message}` : reason),
      yields: wide ? 0 : 3,
    },
  ];
}

export function nodeEniTable({ paint, wide }: TableStyle): TextColumn<NodeEniState>[] {
  const count = (head: string, of: (state: NodeEniState) => number): TextColumn<NodeEniState> => ({
    head,
    cell: (state) => String(of(state)),
    align: 'right',
  });
  return [
    { head: 'NODEENI', cell: ({ name }) => name, yields: 1 },
    ...(wide ? [{ head: 'API GROUP', cell: ({ apiGroup }: NodeEniState) => apiGroup }] : []),
    { head: 'INTERFACE', cell: ({ interfaceName }) => interfaceName ?? '-', yields: 2 },
    count('WANTED', ({ desired }) => desired),
    count('ATTACHED', ({ attached }) => attached),
    count('READY', ({ ready }) => ready),
    count('FAILED', ({ failed }) => failed),
    { head: 'STATE', cell: ({ state }) => state, paint: ({ state }) => colourOf(state, paint) },
    {
      head: 'REASON',
      cell: ({ state, reason, message }) => (state === 'ready' ? '' : wide ? `${reason}: ${message}` : reason),
      yields: wide ? 0 : 3,
    },
  ];
}

export function agentTable({ paint, wide, now: _now }: TableStyle): TextColumn<AgentStatus>[] {
  return [
    ...(wide ? [{ head: 'NAMESPACE', cell: ({ namespace }: AgentStatus) => namespace }] : []),
    { head: 'AGENT', cell: ({ name }) => name, yields: 1 },
    { head: 'ROLE', cell: ({ role, leader }) => (leader === true ? 'leader' : role) },
    { head: 'NODE', cell: ({ node }) => node || '-', yields: 2 },
    {
      head: 'READY',
      cell: ({ ready }) => (ready ? 'yes' : 'no'),
      paint: ({ ready }) => (ready ? paint.good : paint.bad),
    },
    { head: 'VERSION', cell: ({ version }) => version },
    { head: 'RESTARTS', cell: ({ restarts }) => String(restarts), align: 'right' },
    ...(wide
      ? [
          {
            head: 'EC2 AGE',
            cell: ({ ec2AgeMs }: AgentStatus) => (ec2AgeMs === undefined ? '-' : `${Math.round(ec2AgeMs / 1000)}s`),
          },
        ]
      : []),
    { head: 'TROUBLE', cell: ({ trouble }) => trouble ?? '', yields: wide ? 0 : 3 },
  ];
}

export function eventTable({ paint, wide, now }: TableStyle): TextColumn<EventFact>[] {
  return [
    { head: 'AGE', cell: ({ at }) => ageText(at, now) },
    { head: 'REASON', cell: ({ reason }) => reason, paint: ({ type }) => (type === 'Warning' ? paint.warn : same) },
    { head: 'OBJECT', cell: ({ subject }) => subject.replace(/^Pod /, ''), yields: 1 },
    {
      head: 'MESSAGE',
      cell: ({ message, count }) => (count > 1 ? `${message} (${count} times)` : message),
      yields: wide ? 0 : 2,
    },
  ];
}

export function eniRows({ nodes }: ClusterStatus): EniRow[] {
  return nodes.flatMap(({ name, enis }) => enis.map((eni) => ({ node: name, eni })));
}

/** How long ago, in the largest unit that fits. */
export function ageText(since: string | undefined, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(since ?? '')) / 1000));
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function slotsText({ enis }: NodeStatus): string {
  const known = enis.filter(({ ipv4 }) => ipv4.limit !== null);
  const used = (known.length > 0 ? known : enis).reduce((sum, { ipv4 }) => sum + ipv4.used, 0);
  const limit = known.length === 0 ? null : known.reduce((sum, { ipv4 }) => sum + (ipv4.limit ?? 0), 0);
  return bar(used, limit);
}

function bar(used: number, limit: number | null): string {
  if (limit === null || limit === 0) return `${used} of ?`;
  const full = Math.min(BAR, Math.ceil((used / limit) * BAR));
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${fraction(used, limit)}`;
}

function fraction(used: number, limit: number | null): string {
  return `${used}/${limit ?? '?'}`;
}

function colourOf(state: string, paint: Paint): (text: string) => string {
  if (state === 'refused') return paint.bad;
  if (state === 'pending' || state === 'unknown' || state === 'allocated') return paint.warn;
  return state === 'ended' ? paint.dim : paint.good;
}

function same(text: string): string {
  return text;
}
