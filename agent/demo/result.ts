import type { CallRecord } from '../../sim/ec2/endpoint.ts';
import { median, milliseconds } from './measure.ts';
import type { Scene } from './scene.ts';
import { type Column, renderTable } from './table.ts';

/** How one scene ended. */
export interface SceneResult {
  readonly scene: Scene;
  readonly happened: string;
  readonly latenciesMs: readonly number[];
  readonly calls: readonly CallRecord[];
  readonly faults: readonly string[];
}

interface NumberedResult extends SceneResult {
  readonly number: number;
}

const CALLS: readonly (readonly [head: string, action: RegExp])[] = [
  ['assign', /^AssignPrivateIp/],
  ['assign v6', /^AssignIpv6/],
  ['unassign', /^UnassignPrivateIp/],
  ['unassign v6', /^UnassignIpv6/],
  ['describe', /^Describe/],
];

/** The last page: what happened, how fast, with how many EC2 calls, and whether it was right. */
export function renderResults(results: readonly SceneResult[]): string {
  const rows = results.map((result, index) => ({ ...result, number: index + 1 }));
  return [renderTable(story, rows), '', renderTable(numbers, rows), '', ...legend(rows)].join('\n');
}

export function isGood({ faults }: SceneResult): boolean {
  return faults.length === 0;
}

const title: Column<NumberedResult> = { head: 'Scene', cell: ({ number, scene }) => `${number} ${scene.title}` };

const story: readonly Column<NumberedResult>[] = [
  title,
  { head: 'What happened', cell: ({ happened }) => happened },
  { head: 'Verdict', cell: (result) => (isGood(result) ? 'ok' : 'WRONG') },
];

const numbers: readonly Column<NumberedResult>[] = [
  title,
  { head: 'median', align: 'right', cell: ({ latenciesMs }) => milliseconds(median(latenciesMs)) },
  {
    head: 'max',
    align: 'right',
    cell: ({ latenciesMs }) => milliseconds(latenciesMs.length > 0 ? Math.max(...latenciesMs) : undefined),
  },
  ...CALLS.map(
    ([head, action]): Column<NumberedResult> => ({
      head,
      align: 'right',
      cell: ({ calls }) => String(calls.filter((call) => action.test(call.action)).length),
    }),
  ),
];

function legend(rows: readonly NumberedResult[]): string[] {
  const measured = rows.filter(({ scene }) => scene.measures !== undefined);
  const byMeaning = Map.groupBy(measured, ({ scene }) => scene.measures ?? '');
  return [
    'Latencies, by EC2’s own record of its calls:',
    ...Array.from(byMeaning, ([meaning, scenes]) => `  ${scenes.map(({ number }) => number).join(', ')}: ${meaning}`),
    'The other columns count EC2 calls by action.',
  ];
}
