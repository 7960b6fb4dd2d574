import type { OptionsOf } from '../../lib/config/options.ts';
import type { ClusterStatus, Problem } from '../../lib/model/status/cluster-status.ts';
import { cutTo, renderColumns, type TextColumn, type TextOptions, wrapped } from '../text/columns.ts';
import type { Paint } from '../text/paint.ts';
import { overviewLines } from './overview.ts';
import {
  addressTable,
  agentTable,
  elasticIpTable,
  eniRows,
  eniTable,
  eventTable,
  floatingIpTable,
  nodeEniTable,
  nodeTable,
  podTable,
  type TableStyle,
} from './tables.ts';

export type View = OptionsOf<'status'>['view'];

export interface RenderOptions extends TextOptions {
  readonly wide: boolean;
}

/** As many rows of a table as the overview shows; the table's own view shows all. */
const GLANCE = 20;
const PROBLEMS = 10;

/** One view of a status as text, ending with a newline. Nothing is cut where `columns` is undefined. */
export function renderStatus(status: ClusterStatus, view: View, options: RenderOptions): string {
  const style: TableStyle = { paint: options.paint, wide: options.wide, now: Date.parse(status.at) };
  const lines = view === 'overview' ? overview(status, style, options) : viewLines(status, view, style, options);
  return `${lines.join('\n')}\n`;
}

/**
 * What the exit code of a view rests on but the view does not show, for stderr: that something is wrong elsewhere, and what could not
 * be read. The overview has both itself.
 */
export function besideView({ summary, gaps }: ClusterStatus, view: View): string[] {
  if (view === 'overview') return [];
  return [
    ...gaps.map((gap) => `not shown: ${gap}`),
    ...(summary.healthy ? [] : ['something is wrong in the cluster (exit code 1); see eni-agent status']),
  ];
}

function overview(status: ClusterStatus, style: TableStyle, options: RenderOptions): string[] {
  const { paint } = options;
  const title = (text: string) => ['', paint.bold(text)];
  const { problems, nodes, floatingIps, nodeEnis, gaps } = status;
  const shownNodes = nodes.toSorted((a, b) => b.addresses.refused - a.addresses.refused).slice(0, GLANCE);
  const rest = (count: number, view: string) =>
    count > 0 ? [paint.dim(`… and ${count} more: eni-agent status ${view}`)] : [];
  return [
    ...overviewLines(status, options),
    ...(problems.length === 0 ? [] : [...title('Problems'), ...problemLines(problems.slice(0, PROBLEMS), options)]),
    ...(problems.length > PROBLEMS
      ? [paint.dim(`… and ${problems.length - PROBLEMS} more: eni-agent status -o json`)]
      : []),
    '',
    ...table(nodeTable(style), shownNodes, options, 'no nodes'),
    ...rest(nodes.length - shownNodes.length, 'nodes'),
    ...(floatingIps.length === 0
      ? []
      : [
          '',
          ...table(floatingIpTable(style), floatingIps.slice(0, GLANCE), options, ''),
          ...rest(floatingIps.length - GLANCE, 'floatingips'),
        ]),
    ...(nodeEnis.length === 0
      ? []
      : [
          '',
          ...table(nodeEniTable(style), nodeEnis.slice(0, GLANCE), options, ''),
          ...rest(nodeEnis.length - GLANCE, 'nodeenis'),
        ]),
    ...(gaps.length === 0 ? [] : ['', ...gaps.flatMap((gap) => wrapped(`Not shown: ${gap}`, options.columns, 2))]),
  ];
}

function viewLines(
  status: ClusterStatus,
  view: Exclude<View, 'overview'>,
  style: TableStyle,
  options: RenderOptions,
): string[] {
  switch (view) {
    case 'nodes':
      return [
        ...table(nodeTable(style), status.nodes, options, 'No nodes.'),
        '',
        ...table(eniTable(style), eniRows(status), options, 'No ENI is known.'),
      ];
    case 'pods':
      return table(podTable(style), status.pods, options, 'No pod has networks, Elastic IPs or floating IPs.');
    case 'addresses':
      return table(addressTable(style), status.addresses, options, 'No address is claimed.');
    case 'eips':
      return table(elasticIpTable(style), status.elasticIps, options, 'No Elastic IP is used or asked for.');
    case 'floatingips':
      return table(floatingIpTable(style), status.floatingIps, options, 'No FloatingIPs.');
    case 'nodeenis':
      return table(nodeEniTable(style), status.nodeEnis, options, 'No NodeENIs.');
    case 'agents':
      return table(agentTable(style), status.agents, options, 'No agent runs in this cluster.');
    case 'events':
      return table(eventTable(style), status.events, options, 'No Events.');
  }
}

function table<Row>(
  columns: readonly TextColumn<Row>[],
  rows: readonly Row[],
  options: TextOptions,
  none: string,
): string[] {
  return rows.length === 0 ? [none] : renderColumns(columns, rows, options);
}

function problemLines(problems: readonly Problem[], options: RenderOptions): string[] {
  const { paint, columns } = options;
  return problems.flatMap(({ severity, subject, reason, message }) => {
    const colour: Paint['bad'] = severity === 'error' ? paint.bad : paint.warn;
    const symbol = severity === 'error' ? '✗' : '!';
    const head = `${subject}  ${reason}`;
    return [
      `${colour(symbol)} ${columns === undefined ? head : cutTo(head, columns - 2)}`,
      ...wrapped(message, columns, 2).map((line) => `  ${paint.dim(line)}`),
    ];
  });
}
