/** One alert. Its runbook is the paragraph of the same name in docs/alerts.md; a test insists. */
export interface Alert {
  readonly name: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** PromQL; whatever it returns is an alert. */
  readonly expr: string;
  /** How long the expression must hold. */
  readonly for: string;
  /** One line; `{{ $labels.x }}` and `{{ $value }}` as Prometheus fills them in. */
  readonly summary: string;
}

/**
 * What is worth a person's attention. `critical`: an address does not work or soon none can be assigned; `warning`: somebody must act
 * within days; `info`: worth knowing when something else is wrong.
 */
export const ALERTS: readonly Alert[] = [
  {
    name: 'EniAgentDown',
    severity: 'critical',
    expr: 'up{container="eni-agent"} == 0',
    for: '5m',
    summary: 'Prometheus cannot reach eni-agent of pod {{ $labels.pod }}.',
  },
  {
    name: 'EniAgentAddressesPending',
    severity: 'critical',
    expr: 'min_over_time(eni_agent_pending_addresses[2m]) > 0',
    for: '1m',
    summary: '{{ $value }} addresses of pods have waited for EC2 for minutes on the node of {{ $labels.pod }}.',
  },
  {
    name: 'EniAgentAddressesRefused',
    severity: 'warning',
    expr: 'max_over_time(eni_agent_refusals[5m]) > 0',
    for: '5m',
    summary: 'Addresses are refused with {{ $labels.reason }} on the node of {{ $labels.pod }}.',
  },
  {
    name: 'EniAgentElasticIpsRefused',
    severity: 'warning',
    expr: 'max_over_time(eni_agent_elastic_ip_refusals[5m]) > 0',
    for: '5m',
    summary: 'Elastic IPs are refused with {{ $labels.reason }} on the node of {{ $labels.pod }}.',
  },
  {
    name: 'EniAgentInterfaceNearlyFull',
    severity: 'warning',
    expr: 'eni_agent_eni_slots_used / eni_agent_eni_slots_limit > 0.9',
    for: '15m',
    summary: '{{ $labels.eni }} has {{ $value | humanizePercentage }} of its {{ $labels.family }} slots in use.',
  },
  {
    name: 'EniAgentElasticIpQuotaNearlyReached',
    severity: 'warning',
    expr: 'eni_agent_elastic_ips_used >= 0.9 * (eni_agent_elastic_ips_allowed > 0)',
    for: '15m',
    summary: '{{ $value }} Elastic IPs are in use, 90 % of the quota or more.',
  },
  {
    name: 'EniAgentEc2Throttled',
    severity: 'warning',
    expr: 'sum by (namespace, pod) (rate(eni_agent_ec2_errors_total{code=~"RequestLimitExceeded|Throttling.*"}[5m])) > 0',
    for: '10m',
    summary: 'EC2 has been throttling requests of {{ $labels.pod }} for ten minutes.',
  },
  {
    name: 'EniAgentEc2Denied',
    severity: 'critical',
    expr: 'sum by (namespace, pod, action) (increase(eni_agent_ec2_errors_total{code=~"UnauthorizedOperation|AuthFailure|AccessDenied.*"}[10m])) > 0',
    for: '5m',
    summary: 'EC2 denies {{ $labels.action }} to {{ $labels.pod }}: an IAM permission is missing.',
  },
  {
    name: 'EniAgentEc2FactsOld',
    severity: 'warning',
    expr: 'eni_agent_ec2_facts_age_seconds{facts="enis"} > 3600',
    for: '5m',
    summary: '{{ $labels.pod }} has not read its interfaces from EC2 for {{ $value | humanizeDuration }}.',
  },
  {
    name: 'EniAgentFloatingIpFlapping',
    severity: 'warning',
    expr: 'sum by (namespace, floating_ip) (increase(eni_agent_floating_ip_failovers_total[15m])) > 3',
    for: '0m',
    summary: 'FloatingIP {{ $labels.floating_ip }} has moved {{ $value | humanize }} times within 15 minutes.',
  },
  {
    name: 'EniAgentApiServerSilent',
    severity: 'critical',
    expr: 'eni_agent_kube_staleness_seconds > 300',
    for: '1m',
    summary: '{{ $labels.pod }} has not heard about {{ $labels.resource }} for {{ $value | humanizeDuration }}.',
  },
  {
    name: 'EniAgentReconcileFailing',
    severity: 'critical',
    expr: 'min_over_time(eni_agent_reconciles_failed[2m]) > 0',
    for: '0m',
    summary: '{{ $labels.loop }} keeps failing in {{ $labels.pod }}: a fault of the agent itself.',
  },
  {
    name: 'EniAgentStateFileFault',
    severity: 'critical',
    expr: 'eni_agent_state_file_faults > 0',
    for: '5m',
    summary: '{{ $labels.file }} of {{ $labels.pod }} does not reach the disk.',
  },
  {
    name: 'EniAgentNoLeader',
    severity: 'critical',
    expr: 'max by (namespace) (eni_agent_lease_held{lease="eni-agent-controller"}) == 0',
    for: '2m',
    summary: 'No replica of the controller leads: objects and orphans are left alone.',
  },
  {
    name: 'EniAgentOrphans',
    severity: 'info',
    expr: 'eni_agent_orphans > 0',
    for: '2h',
    summary: '{{ $value }} Elastic IPs or interfaces of this cluster have lost their owner and are still there.',
  },
  {
    name: 'EniAgentEventsDropped',
    severity: 'info',
    expr: 'sum by (namespace, pod, cause) (increase(eni_agent_events_dropped_total[15m])) > 0',
    for: '0m',
    summary: '{{ $labels.pod }} could not write Kubernetes Events ({{ $labels.cause }}).',
  },
  {
    name: 'EniAgentVersionsDiffer',
    severity: 'info',
    expr: 'count by (namespace) (count by (namespace, version) (eni_agent_build_info)) > 1',
    for: '1h',
    summary: '{{ $value }} versions of eni-agent have been running side by side for an hour.',
  },
];
