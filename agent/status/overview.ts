import type { ClusterStatus, ClusterSummary } from '../../lib/model/status/cluster-status.ts';
import { cutTo, type TextOptions } from '../text/columns.ts';
import type { Paint } from '../text/paint.ts';

/** The first lines of the overview: the whole cluster in one glance. */
export function overviewLines(
  { server, at, scope, summary, problems }: ClusterStatus,
  { paint, columns }: TextOptions,
): string[] {
  const { nodes, agents, enis, addresses, elasticIps, floatingIps, nodeEnis, ec2, healthy } = summary;
  const isSilent = problems.some(({ reason }) => reason === 'Ec2Unavailable');
  const narrowed = [
    ...(scope.namespaces.length === 0 ? [] : [`namespace ${scope.namespaces.join(', ')}`]),
    ...(scope.selector === undefined ? [] : [`pods with ${scope.selector}`]),
    ...(scope.node === undefined ? [] : [`node ${scope.node}`]),
  ];
  const head = `${server}  ${at.slice(0, 19).replace('T', ' ')} UTC${narrowed.length === 0 ? '' : `  (${narrowed.join('; ')})`}`;
  const slots = enis.slots === null ? '' : `; ${enis.slots.used} of ${enis.slots.limit} IPv4 addresses in use`;
  const versions = Object.entries(agents.versions).map(([version, count]) => `${version} (${count})`);
  const rows: readonly (readonly [label: string, text: string, colour: (text: string) => string])[] = [
    [
      'Nodes',
      `${nodes.ready} of ${nodes.total} ready, an agent on ${nodes.withAgent}`,
      level(paint, nodes.ready === nodes.total),
    ],
    [
      'Agents',
      agents.total === 0 ? 'none' : `${agents.ready} of ${agents.total} ready; version ${versions.join(', ')}`,
      level(paint, agents.total > 0 && agents.ready === agents.total),
    ],
    ['ENIs', `${enis.total}${slots}`, plain],
    ['Addresses', countsText(addresses), level(paint, addresses.refused === 0)],
    ['Elastic IPs', elasticIpText(elasticIps), level(paint, elasticIps.refused === 0)],
    [
      'FloatingIPs',
      `${floatingIps.served} of ${floatingIps.total} served`,
      level(paint, floatingIps.served === floatingIps.total),
    ],
    ...(nodeEnis.objects === 0
      ? []
      : [['NodeENIs', nodeEniText(nodeEnis), level(paint, nodeEnis.failed === 0)] as const]),
    ...(ec2 === null
      ? []
      : [
          [
            'EC2',
            isSilent ? 'does not answer' : ec2Text(ec2),
            level(paint, !isSilent && ec2.throttled.length === 0),
          ] as const,
        ]),
  ];
  return [
    paint.dim(columns === undefined ? head : cutTo(head, columns)),
    headline(healthy, problems.length, paint),
    '',
    ...rows.map(([label, text, colour]) => {
      const shown = columns === undefined ? text : cutTo(text, columns - LABEL);
      return `${paint.bold(label.padEnd(LABEL))}${colour(shown)}`;
    }),
  ];
}

/** Of a healthy cluster only warnings are left among the problems. */
function headline(healthy: boolean, problems: number, paint: Paint): string {
  if (!healthy) return paint.bad('✗ something is wrong, see below');
  if (problems === 0) return paint.good('✓ all is well');
  return paint.warn(`✓ all is well but for ${problems} warning${problems === 1 ? '' : 's'}, see below`);
}

const LABEL = 13;

function nodeEniText({ desired, attached, ready, failed }: ClusterSummary['nodeEnis']): string {
  return `${attached} of ${desired} interfaces attached, ${ready} with their link ready, ${failed} failed`;
}

function ec2Text({ throttled, waiting }: NonNullable<ClusterSummary['ec2']>): string {
  if (throttled.length === 0) return 'not throttled';
  return `throttled on ${throttled.join(', ')}; ${waiting} calls wait`;
}

function countsText({ assigned, pending, refused, refusedByReason }: ClusterSummary['addresses']): string {
  const reasons = Object.entries(refusedByReason).map(([reason, count]) => `${reason} ${count}`);
  return `${assigned} assigned, ${pending} pending, ${refused} refused${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`;
}

function elasticIpText({ bound, pending, refused, quota }: ClusterSummary['elasticIps']): string {
  const ofQuota = quota === null ? '' : `; ${quota.used} of ${quota.limit ?? '?'} of the account's quota used`;
  return `${bound} bound, ${pending} pending, ${refused} refused${ofQuota}`;
}

function level(paint: Paint, good: boolean): (text: string) => string {
  return good ? plain : paint.bad;
}

function plain(text: string): string {
  return text;
}
