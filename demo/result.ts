import { renderColumns, type TextColumn } from '../agent/text/columns.ts';
import type { Paint } from '../agent/text/paint.ts';
import type { CallRecord } from '../sim/ec2/endpoint.ts';
import { median, milliseconds } from './measure.ts';
import type { Scene } from './scene.ts';
import { COLUMNS, wrapped } from './screen.ts';

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
  ['ASSIGN', /^Assign/],
  ['UNASSIGN', /^Unassign/],
  ['EIP', /^(?:Allocate|Associate|Disassociate|Release)Address$/],
  ['DESCRIBE', /^Describe/],
];

/** The last page: what happened, how fast, with how many EC2 calls, and whether it was right. At most 80 columns. */
export function renderResults(results: readonly SceneResult[], paint: Paint): readonly string[] {
  const rows = results.map((result, index) => ({ ...result, number: index + 1 }));
  return [
    ...rows.flatMap((row) => story(row, paint)),
    '',
    ...renderColumns(numbers, rows, { columns: COLUMNS, paint }),
    '',
    ...legend(rows).flatMap((line) => wrapped(line, COLUMNS)),
  ];
}

function story(row: NumberedResult, paint: Paint): readonly string[] {
  const verdict = isGood(row) ? paint.good('ok   ') : paint.bad('WRONG');
  const said = wrapped(`         ${row.happened}`, COLUMNS);
  return [`${verdict} ${paint.bold(`${String(row.number).padStart(2)} ${row.scene.title}`)}`, ...said];
}

export function isGood({ faults }: SceneResult): boolean {
  return faults.length === 0;
}

const numbers: readonly TextColumn<NumberedResult>[] = [
  { head: 'SCENE', cell: ({ number, scene }) => `${String(number).padStart(2)} ${scene.title}`, yields: 1 },
  { head: 'MEDIAN', align: 'right', cell: ({ latenciesMs }) => milliseconds(median(latenciesMs)) },
  {
    head: 'MAX',
    align: 'right',
    cell: ({ latenciesMs }) => milliseconds(latenciesMs.length > 0 ? Math.max(...latenciesMs) : undefined),
  },
  ...CALLS.map(
    ([head, action]): TextColumn<NumberedResult> => ({
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
