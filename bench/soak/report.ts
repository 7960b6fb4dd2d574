import type { CallRecord } from '../../sim/ec2/endpoint.ts';
import type { Deeds } from './tenants.ts';
import { FIGURES, type Trend } from './verdict.ts';

export interface SoakReport {
  readonly trends: ReadonlyMap<string, readonly Trend[]>;
  readonly deeds: Deeds;
  readonly calls: readonly CallRecord[];
  readonly seconds: number;
}

/** What happened, what EC2 was asked, and each figure in the third and in the last minute. */
export function reportOf({ trends, deeds, calls, seconds }: SoakReport): string {
  const changes = calls.filter(({ action }) => !action.startsWith('Describe'));
  const actions = Array.from(
    Map.groupBy(calls, ({ action }) => action),
    ([action, each]) => `${each.length} ${action}`,
  );
  const rows = FIGURES.map((figure) => {
    const cells = Array.from(trends.values(), (each) => cellOf(each.find((trend) => trend.figure === figure)));
    return `| ${[figure.padEnd(12), ...cells.map((cell) => cell.padEnd(24))].join(' | ')} |`;
  });
  return [
    `${Math.round(seconds)} s: ${deeds.podsReplaced} pods replaced, ${deeds.vipMoves} virtual addresses moved, ${deeds.cordons} cordons.`,
    `EC2 got ${calls.length} calls, ${changes.length} of them changes: ${actions.toSorted().join(', ')}.`,
    '',
    `| ${['median of', ...trends.keys()].map((name, column) => name.padEnd(column === 0 ? 12 : 24)).join(' | ')} |`,
    ...rows,
  ].join('\n');
}

function cellOf(trend: Trend | undefined): string {
  if (trend === undefined) return '';
  const show = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
  const ratio = (trend.after / Math.max(trend.before, 1e-9)).toFixed(2);
  return `${show(trend.before)} → ${show(trend.after)} (× ${ratio})${trend.flat ? '' : ' GROWS'}`;
}
