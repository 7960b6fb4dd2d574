import { CATALOGUE, type MetricDefinition } from '../../lib/telemetry/catalogue.ts';

/** The metric's place on the dashboard. */
interface Panel {
  readonly row: Row;
  readonly title: string;
  /** @default 'short' */
  readonly unit?: 'short' | 's' | 'bytes' | 'reqps' | 'percentunit' | 'dateTimeFromNow';
  /** How series of several pods become one. @default sum */
  readonly over?: 'sum' | 'max' | 'min';
}
type Row = 'Addresses' | 'Elastic IPs' | 'FloatingIPs' | 'Routed IPs' | 'Interfaces' | 'EC2' | 'Kubernetes' | 'Process';

const ROWS: readonly Row[] = [
  'Addresses',
  'Elastic IPs',
  'FloatingIPs',
  'Routed IPs',
  'Interfaces',
  'EC2',
  'Kubernetes',
  'Process',
];

/** Each metric of the catalogue has a panel: the type does not let one be forgotten. */
const PANELS: Readonly<Record<keyof typeof CATALOGUE, Panel>> = {
  assignSeconds: { row: 'Addresses', title: 'From first sight to assigned', unit: 's' },
  pending: { row: 'Addresses', title: 'Pending' },
  refusals: { row: 'Addresses', title: 'Refused, by reason' },
  takeovers: { row: 'Addresses', title: 'Taken from another ENI, by cause', unit: 'reqps' },
  changes: { row: 'Addresses', title: 'Changes', unit: 'reqps' },
  claims: { row: 'Addresses', title: 'Claimed, by kind' },
  ledger: { row: 'Addresses', title: 'Entries of the ledger' },
  elasticIpClaims: { row: 'Elastic IPs', title: 'Asked for, by dialect' },
  elasticIpsBound: { row: 'Elastic IPs', title: 'Bound' },
  elasticIpRefusals: { row: 'Elastic IPs', title: 'Refused, by reason' },
  elasticIpsUsed: { row: 'Elastic IPs', title: 'Used in the account', over: 'max' },
  elasticIpsAllowed: { row: 'Elastic IPs', title: 'Quota of the account', over: 'max' },
  orphans: { row: 'Elastic IPs', title: 'Without an owner', over: 'max' },
  floatingIpFailovers: { row: 'FloatingIPs', title: 'Failovers', unit: 'reqps' },
  floatingIpFailoverSeconds: { row: 'FloatingIPs', title: 'From Lease to EC2', unit: 's' },
  leaseHeld: { row: 'FloatingIPs', title: 'Leases held (FloatingIPs and leader)' },
  nodeEnis: { row: 'Interfaces', title: 'Of NodeENIs, by state', over: 'max' },
  routeSeconds: { row: 'Routed IPs', title: 'From first sight to routed', unit: 's' },
  routes: { row: 'Routed IPs', title: 'Routes, by state' },
  routeChanges: { row: 'Routed IPs', title: 'Changes of routes', unit: 'reqps' },
  slotsUsed: { row: 'Interfaces', title: 'Slots in use', over: 'max' },
  slotsLimit: { row: 'Interfaces', title: 'Slots that the instance type allows', over: 'max' },
  ec2Calls: { row: 'EC2', title: 'Calls', unit: 'reqps' },
  ec2Errors: { row: 'EC2', title: 'Calls that failed', unit: 'reqps' },
  ec2Seconds: { row: 'EC2', title: 'Duration of calls', unit: 's' },
  ec2FactsAge: { row: 'EC2', title: 'Age of facts', unit: 's', over: 'max' },
  ec2Tokens: { row: 'EC2', title: 'Calls that may leave at once', over: 'min' },
  ec2Waiting: { row: 'EC2', title: 'Calls that wait' },
  staleness: { row: 'Kubernetes', title: 'Since the last sign of a watch', unit: 's', over: 'max' },
  watchRestarts: { row: 'Kubernetes', title: 'Watches started again', unit: 'reqps' },
  eventsDropped: { row: 'Kubernetes', title: 'Events not written', unit: 'reqps' },
  reconcilesFailed: { row: 'Process', title: 'Reconciles failed in a row', over: 'max' },
  reconcileFailures: { row: 'Process', title: 'Failed reconciles', unit: 'reqps' },
  stateFaults: { row: 'Process', title: 'State files that fail' },
  buildInfo: { row: 'Process', title: 'Processes, by version' },
  residentMemory: { row: 'Process', title: 'Resident memory', unit: 'bytes', over: 'max' },
  heapUsed: { row: 'Process', title: 'JavaScript heap', unit: 'bytes', over: 'max' },
  cpuSeconds: { row: 'Process', title: 'CPU', unit: 'percentunit', over: 'max' },
  startTime: { row: 'Process', title: 'Last start', unit: 'dateTimeFromNow', over: 'max' },
};

const WIDTH = 24;
const PANEL = { w: 8, h: 7 };
/** Only our own processes: others export process_* metrics, too. */
const SELECTED = '{namespace=~"$namespace", pod=~"$pod", container="eni-agent"}';

/** The whole dashboard as Grafana imports it: a row for each part of the product, a panel for each metric of the catalogue. */
export function renderDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    const inRow = Object.entries(PANELS).filter(([, panel]) => panel.row === row);
    panels.push({ id: panels.length + 1, type: 'row', title: row, gridPos: { x: 0, y, w: WIDTH, h: 1 }, panels: [] });
    y += 1;
    for (const [index, [key, panel]] of inRow.entries()) {
      const x = (index * PANEL.w) % WIDTH;
      if (index > 0 && x === 0) y += PANEL.h;
      const definition: MetricDefinition = CATALOGUE[key as keyof typeof CATALOGUE];
      panels.push({ id: panels.length + 1, gridPos: { x, y, ...PANEL }, ...panelOf(definition, panel) });
    }
    y += PANEL.h;
  }
  return `${JSON.stringify({ ...ABOUT, panels }, null, 2)}\n`;
}

/** Every expression of the dashboard, for a check by somebody who knows PromQL. */
export function dashboardExpressions(): readonly string[] {
  return Object.entries(PANELS).flatMap(([key, panel]) =>
    targetsOf(CATALOGUE[key as keyof typeof CATALOGUE], panel).map(({ expr }) => expr),
  );
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

const ABOUT = {
  uid: 'eni-agent',
  title: 'eni-agent',
  description:
    'Made from the metric catalogue (npm run monitoring). Addresses, Elastic IPs and FloatingIPs of the nodes.',
  tags: ['eni-agent', 'kubernetes', 'aws'],
  schemaVersion: 39,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
      variable('namespace', 'label_values(eni_agent_build_info, namespace)'),
      variable('pod', 'label_values(eni_agent_build_info{namespace=~"$namespace"}, pod)'),
    ],
  },
};

function variable(name: string, query: string): object {
  return {
    name,
    label: name,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

function panelOf(definition: MetricDefinition, panel: Panel): object {
  return {
    type: 'timeseries',
    title: panel.title,
    description: `${definition.help} (${definition.name})`,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit: panel.unit ?? 'short', min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: targetsOf(definition, panel).map((target, index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATASOURCE,
      ...target,
    })),
  };
}

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

function targetsOf({ type, name, labels }: MetricDefinition, { over = 'sum' }: Panel): readonly Target[] {
  const shown = over === 'sum' ? labels : [...labels, 'pod'];
  const by = shown.length === 0 ? '' : ` by (${shown.join(', ')})`;
  const legendFormat = shown.map((label) => `{{${label}}}`).join(' ') || name;
  if (type === 'gauge') return [{ expr: `${over}${by} (${name}${SELECTED})`, legendFormat }];
  if (type === 'counter') return [{ expr: `${over}${by} (rate(${name}${SELECTED}[$__rate_interval]))`, legendFormat }];
  const byBucket = `sum by (${[...labels, 'le'].join(', ')}) (rate(${name}_bucket${SELECTED}[$__rate_interval]))`;
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${byBucket})`,
    legendFormat: `p${quantile * 100} ${legendFormat}`,
  }));
}
