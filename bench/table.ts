import { type Bar, type Measurement, type Skipped, type Statistic, statistic } from './measurement.ts';

const HEADINGS = ['row', 'p50', 'p90', 'p99', 'bar', 'of bar', 'of floor', 'n', 'API server'] as const;

/** The table of all measurements, as lines of text that are also a Markdown table. */
export function renderTable(results: readonly (Measurement | Skipped)[]): string {
  const rows = results.map((result) => ('skipped' in result ? [result.name, result.skipped] : cells(result)));
  const measured = rows.filter((row) => row.length === HEADINGS.length);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...measured.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const skipped = rows.filter((row) => row.length === 2).map(([name, reason]) => `\n${name}: ${reason}`);
  return [line(HEADINGS), rule, ...measured.map(line)].join('\n') + skipped.join('');
}

function cells({ title, unit, samples, bar, floor, server, note }: Measurement): string[] {
  const show = (name: Statistic) => `${format(statistic(samples, name))} ${unit}`;
  const several = samples.length > 1;
  const p50 = statistic(samples, 'p50');
  return [
    note === undefined ? title : `${title} (${note})`,
    show('p50'),
    several ? show('p90') : '',
    several ? show('p99') : '',
    bar === undefined ? '' : barText(bar, unit),
    bar === undefined ? '' : ratios(samples, bar),
    floor === undefined ? '' : `${(p50 / floor).toFixed(2)} × ${format(floor)}`,
    String(samples.length),
    server ?? '',
  ];
}

function barText(bar: Bar, unit: string): string {
  return Object.entries(bar)
    .map(([name, value]) => `${name} ≤ ${value} ${unit}`)
    .join(', ');
}

function ratios(samples: readonly number[], bar: Bar): string {
  const entries = Object.entries(bar) as [Statistic, number][];
  return entries.map(([name, value]) => (value === 0 ? '–' : (statistic(samples, name) / value).toFixed(2))).join(', ');
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toFixed(1)));
}
