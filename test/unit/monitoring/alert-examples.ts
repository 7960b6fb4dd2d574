/** Series of one minute's step, in promtool's notation: with `fires` the alert is on at `at`, with `quiet` it is not. */
export interface AlertExample {
  readonly fires: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
  readonly at: string;
}

const POD = 'namespace="eni-agent-system",pod="eni-agent-x"';
const CONTROLLER = 'namespace="eni-agent-system",pod="eni-agent-controller-x"';

export const ALERT_EXAMPLES: Readonly<Record<string, AlertExample>> = {
  EniAgentDown: {
    fires: { [`up{container="eni-agent",${POD}}`]: '1 0x10' },
    quiet: { [`up{container="eni-agent",${POD}}`]: '1x4 0 0 1x10', [`up{container="other",${POD}}`]: '0x20' },
    at: '10m',
  },
  EniAgentAddressesPending: {
    fires: { [`eni_agent_pending_addresses{${POD}}`]: '0 2x10' },
    quiet: { [`eni_agent_pending_addresses{${POD}}`]: '0 3 0 3 0 3 0 3 0 3 0' },
    at: '9m',
  },
  EniAgentAddressesRefused: {
    fires: { [`eni_agent_refusals{reason="HeldElsewhere",${POD}}`]: '0 1x15' },
    quiet: { [`eni_agent_refusals{reason="HeldElsewhere",${POD}}`]: '0x5 1 0x20' },
    at: '15m',
  },
  EniAgentElasticIpsRefused: {
    fires: { [`eni_agent_elastic_ip_refusals{reason="PoolExhausted",${POD}}`]: '0 1x15' },
    quiet: { [`eni_agent_elastic_ip_refusals{reason="PoolExhausted",${POD}}`]: '0x20' },
    at: '15m',
  },
  EniAgentInterfaceNearlyFull: {
    fires: {
      [`eni_agent_eni_slots_used{eni="eni-1",family="ipv4",${POD}}`]: '14x30',
      [`eni_agent_eni_slots_limit{eni="eni-1",family="ipv4",${POD}}`]: '15x30',
    },
    quiet: {
      [`eni_agent_eni_slots_used{eni="eni-1",family="ipv4",${POD}}`]: '13x30',
      [`eni_agent_eni_slots_limit{eni="eni-1",family="ipv4",${POD}}`]: '15x30',
      [`eni_agent_eni_slots_used{eni="eni-2",family="ipv4",${POD}}`]: '15x30',
    },
    at: '20m',
  },
  EniAgentElasticIpQuotaNearlyReached: {
    fires: {
      [`eni_agent_elastic_ips_used{${CONTROLLER}}`]: '5x30',
      [`eni_agent_elastic_ips_allowed{${CONTROLLER}}`]: '5x30',
    },
    quiet: {
      [`eni_agent_elastic_ips_used{${CONTROLLER}}`]: '5x30',
      [`eni_agent_elastic_ips_allowed{${CONTROLLER}}`]: '0x30',
    },
    at: '20m',
  },
  EniAgentEc2Throttled: {
    fires: {
      [`eni_agent_ec2_errors_total{action="AssignPrivateIpAddresses",code="RequestLimitExceeded",${POD}}`]: '0+3x30',
    },
    quiet: {
      [`eni_agent_ec2_errors_total{action="AssignPrivateIpAddresses",code="InvalidParameterValue",${POD}}`]: '0+3x30',
    },
    at: '20m',
  },
  EniAgentEc2Denied: {
    fires: { [`eni_agent_ec2_errors_total{action="AssociateAddress",code="UnauthorizedOperation",${POD}}`]: '0+1x20' },
    quiet: { [`eni_agent_ec2_errors_total{action="AssociateAddress",code="UnauthorizedOperation",${POD}}`]: '7x20' },
    at: '15m',
  },
  EniAgentEc2FactsOld: {
    fires: { [`eni_agent_ec2_facts_age_seconds{facts="enis",${POD}}`]: '0+60x80' },
    quiet: { [`eni_agent_ec2_facts_age_seconds{facts="enis",${POD}}`]: '600x80' },
    at: '70m',
  },
  EniAgentFloatingIpFlapping: {
    fires: {
      [`eni_agent_floating_ip_failovers_total{floating_ip="web",${POD}}`]: '0 0 1 2 3x20',
      'eni_agent_floating_ip_failovers_total{floating_ip="web",namespace="eni-agent-system",pod="eni-agent-y"}':
        '0 0 1 2 3x20',
    },
    quiet: { [`eni_agent_floating_ip_failovers_total{floating_ip="web",${POD}}`]: '0 0 1x20' },
    at: '10m',
  },
  EniAgentApiServerSilent: {
    fires: { [`eni_agent_kube_staleness_seconds{resource="pods",${POD}}`]: '0+60x20' },
    quiet: { [`eni_agent_kube_staleness_seconds{resource="pods",${POD}}`]: '60x20' },
    at: '10m',
  },
  EniAgentReconcileFailing: {
    fires: { [`eni_agent_reconciles_failed{loop="addresses",${POD}}`]: '0 1+1x10' },
    quiet: { [`eni_agent_reconciles_failed{loop="addresses",${POD}}`]: '0 1 0 1 0 1 0 1 0 1 0' },
    at: '8m',
  },
  EniAgentStateFileFault: {
    fires: { [`eni_agent_state_file_faults{file="ledger",${POD}}`]: '1x20' },
    quiet: { [`eni_agent_state_file_faults{file="ledger",${POD}}`]: '0x20' },
    at: '10m',
  },
  EniAgentNoLeader: {
    fires: { [`eni_agent_lease_held{lease="eni-agent-controller",${CONTROLLER}}`]: '1 0x10' },
    quiet: {
      [`eni_agent_lease_held{lease="eni-agent-controller",${CONTROLLER}}`]: '0x10',
      'eni_agent_lease_held{lease="eni-agent-controller",namespace="eni-agent-system",pod="eni-agent-controller-y"}':
        '1x10',
    },
    at: '8m',
  },
  EniAgentOrphans: {
    fires: { [`eni_agent_orphans{${CONTROLLER}}`]: '2x200' },
    quiet: { [`eni_agent_orphans{${CONTROLLER}}`]: '2x60 0x140' },
    at: '180m',
  },
  EniAgentEventsDropped: {
    fires: { [`eni_agent_events_dropped_total{cause="failed",${POD}}`]: '0 0 4x20' },
    quiet: { [`eni_agent_events_dropped_total{cause="failed",${POD}}`]: '4x20' },
    at: '10m',
  },
  EniAgentVersionsDiffer: {
    fires: {
      [`eni_agent_build_info{version="1.0.0",${POD}}`]: '1x100',
      'eni_agent_build_info{version="1.1.0",namespace="eni-agent-system",pod="eni-agent-y"}': '1x100',
    },
    quiet: {
      [`eni_agent_build_info{version="1.0.0",${POD}}`]: '1x100',
      'eni_agent_build_info{version="1.0.0",namespace="eni-agent-system",pod="eni-agent-y"}': '1x100',
    },
    at: '90m',
  },
};
