/** What one metric is: its name and HELP text on /metrics and in docs/metrics.md, which is made from this table. */
export interface MetricDefinition<L extends string = string> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

/** From a kernel event on a quiet node (5 ms) to an address that waited a minute for EC2. */
const ASSIGN_BUCKETS = [0.005, 0.01, 0.016, 0.025, 0.045, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const CATALOGUE = {
  assignSeconds: {
    type: 'histogram',
    name: 'eni_agent_address_assign_seconds',
    help: 'Time from the first sight of an address on this node until EC2 accepted it on an ENI',
    labels: ['kind'],
    buckets: ASSIGN_BUCKETS,
  },
  changes: {
    type: 'counter',
    name: 'eni_agent_address_changes_total',
    help: 'Addresses assigned, moved here from another ENI, released, or lost to another holder',
    labels: ['change'],
  },
  takeovers: {
    type: 'counter',
    name: 'eni_agent_takeovers_total',
    help: 'Addresses taken from another ENI by force, by cause (ipam, floating, live, floating-ip or host-ip) and the ENI that lost them (unknown where EC2 did not show it, other beyond 200 ENIs)',
    labels: ['cause', 'from'],
  },
  claims: {
    type: 'gauge',
    name: 'eni_agent_claims',
    help: 'Addresses that pods of this node claim now, by kind: ipam, floating or live',
    labels: ['kind'],
  },
  refusals: {
    type: 'gauge',
    name: 'eni_agent_refusals',
    help: 'Addresses refused now, by the reason code that Event and condition show too',
    labels: ['reason'],
  },
  pending: {
    type: 'gauge',
    name: 'eni_agent_pending_addresses',
    help: 'Claimed addresses that are neither on their ENI yet nor refused',
    labels: [],
  },
  elasticIpClaims: {
    type: 'gauge',
    name: 'eni_agent_elastic_ip_claims',
    help: 'Elastic IPs that pods of this node ask for now, by the dialect of the annotation',
    labels: ['dialect'],
  },
  elasticIpsBound: {
    type: 'gauge',
    name: 'eni_agent_elastic_ips_bound',
    help: 'Elastic IPs that are where pods of this node want them',
    labels: [],
  },
  elasticIpRefusals: {
    type: 'gauge',
    name: 'eni_agent_elastic_ip_refusals',
    help: 'Elastic IPs refused now, by the reason code that Event and condition show too',
    labels: ['reason'],
  },
  ledger: {
    type: 'gauge',
    name: 'eni_agent_ledger_entries',
    help: 'Addresses in the ledger of this node, by state: held or lost',
    labels: ['state'],
  },
  stateFaults: {
    type: 'gauge',
    name: 'eni_agent_state_file_faults',
    help: '1 while changes to a file of the state folder do not reach the disk, or when its content was unusable at the start; else 0',
    labels: ['file'],
  },
  slotsUsed: {
    type: 'gauge',
    name: 'eni_agent_eni_slots_used',
    help: 'Address slots in use on an ENI, the primary address and delegated prefixes included',
    labels: ['eni', 'family'],
  },
  slotsLimit: {
    type: 'gauge',
    name: 'eni_agent_eni_slots_limit',
    help: 'Address slots that the instance type allows on an ENI; absent when unknown',
    labels: ['eni', 'family'],
  },
  routeSeconds: {
    type: 'histogram',
    name: 'eni_agent_route_seconds',
    help: 'Time from the first sight of a routed address on this node until EC2 accepted its route in one table',
    labels: [],
    buckets: ASSIGN_BUCKETS,
  },
  routeChanges: {
    type: 'counter',
    name: 'eni_agent_route_changes_total',
    help: 'Routes written, moved here from another target, removed, or lost to another holder; one for each table',
    labels: ['change'],
  },
  routes: {
    type: 'gauge',
    name: 'eni_agent_routes',
    help: 'Routes that pods of this node want now, one for each table, by state: assigned, pending or refused',
    labels: ['state'],
  },
  ec2Calls: {
    type: 'counter',
    name: 'eni_agent_ec2_calls_total',
    help: 'Calls to EC2, repetitions included',
    labels: ['action'],
  },
  ec2Errors: {
    type: 'counter',
    name: 'eni_agent_ec2_errors_total',
    help: "Calls to EC2 that failed, by EC2's error code or that of the network fault",
    labels: ['action', 'code'],
  },
  ec2Seconds: {
    type: 'histogram',
    name: 'eni_agent_ec2_call_seconds',
    help: 'Duration of the calls to EC2',
    labels: ['action'],
    buckets: CALL_BUCKETS,
  },
  ec2FactsAge: {
    type: 'gauge',
    name: 'eni_agent_ec2_facts_age_seconds',
    help: 'Time since EC2 last answered with these facts: enis (those of this node), elastic-ips (of the account; read only while pods or objects ask for some)',
    labels: ['facts'],
  },
  ec2Tokens: {
    type: 'gauge',
    name: 'eni_agent_ec2_tokens',
    help: 'Calls to EC2 that may still leave at once; 64 while EC2 does not throttle, 0 while calls wait',
    labels: [],
  },
  ec2Waiting: {
    type: 'gauge',
    name: 'eni_agent_ec2_calls_waiting',
    help: 'Calls to EC2 that wait because EC2 throttles',
    labels: [],
  },
  staleness: {
    type: 'gauge',
    name: 'eni_agent_kube_staleness_seconds',
    help: 'Time since a watch of the Kubernetes API last gave a sign of life',
    labels: ['resource'],
  },
  watchRestarts: {
    type: 'counter',
    name: 'eni_agent_watch_restarts_total',
    help: 'Watches of the Kubernetes API that had to start again, by cause',
    labels: ['resource', 'cause'],
  },
  eventsDropped: {
    type: 'counter',
    name: 'eni_agent_events_dropped_total',
    help: 'Kubernetes Events that were not written: too many about one object (spam), too many waiting (queue-full), or refused (failed)',
    labels: ['cause'],
  },
  leaseHeld: {
    type: 'gauge',
    name: 'eni_agent_lease_held',
    help: '1 while this process holds the Lease, else 0',
    labels: ['lease'],
  },
  floatingIpFailovers: {
    type: 'counter',
    name: 'eni_agent_floating_ip_failovers_total',
    help: 'FloatingIPs that this node took over from another node',
    labels: ['floating_ip'],
  },
  floatingIpFailoverSeconds: {
    type: 'histogram',
    name: 'eni_agent_floating_ip_failover_seconds',
    help: 'Time from the acquisition of the Lease until EC2 has moved the first address of a FloatingIP to this node',
    labels: [],
    buckets: CALL_BUCKETS,
  },
  elasticIpsUsed: {
    type: 'gauge',
    name: 'eni_agent_elastic_ips_used',
    help: 'Elastic IPs of the account and region that count towards the quota; reported by the leading controller',
    labels: [],
  },
  elasticIpsAllowed: {
    type: 'gauge',
    name: 'eni_agent_elastic_ips_allowed',
    help: 'Quota of Elastic IPs (L-0263D0A3); 0 while it is unknown',
    labels: [],
  },
  orphans: {
    type: 'gauge',
    name: 'eni_agent_orphans',
    help: 'Elastic IPs and interfaces with tags of this cluster whose owner is gone, as the last sweep found them',
    labels: [],
  },
  nodeEnis: {
    type: 'gauge',
    name: 'eni_agent_node_enis',
    help: 'Interfaces of NodeENIs by state: Pending, Creating, Attaching, Attached, Ready, Leaving, Detaching, Retained or Failed',
    labels: ['state'],
  },
  reconcilesFailed: {
    type: 'gauge',
    name: 'eni_agent_reconciles_failed',
    help: 'Reconciles of a loop that have failed in a row; after a minute of it /healthz fails too',
    labels: ['loop'],
  },
  reconcileFailures: {
    type: 'counter',
    name: 'eni_agent_reconcile_failures_total',
    help: 'Reconciles of a loop that failed',
    labels: ['loop'],
  },
  buildInfo: {
    type: 'gauge',
    name: 'eni_agent_build_info',
    help: 'Always 1; the labels name the version, the Node.js release and the command that runs',
    labels: ['version', 'node_version', 'command'],
  },
  residentMemory: {
    type: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process',
    labels: [],
  },
  heapUsed: {
    type: 'gauge',
    name: 'nodejs_heap_size_used_bytes',
    help: 'JavaScript heap in use',
    labels: [],
  },
  cpuSeconds: {
    type: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system',
    labels: [],
  },
  startTime: {
    type: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since the epoch',
    labels: [],
  },
} as const satisfies Record<string, MetricDefinition>;

/** The whole of docs/metrics.md. */
export function renderMetricsDocument(): string {
  const rows = Object.values(CATALOGUE).map(({ name, type, labels, help }: MetricDefinition) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
  });
  return [INTRODUCTION, '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, '', ALERTS].join('\n');
}

const INTRODUCTION = `# Metrics

\`/metrics\` on \`--http-address\` speaks the Prometheus text format. This page is made from the table in
\`lib/telemetry/catalogue.ts\`; a test keeps the two alike (\`npx vitest run --project unit test/unit/telemetry -u\` rewrites it).
`;

const ALERTS = `Alert rules, a Grafana dashboard and a PodMonitor for these metrics come with the manifests: [alerts](alerts.md).
`;
