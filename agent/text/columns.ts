import { fillLines } from '../../lib/config/fill-lines.ts';
import type { Paint } from './paint.ts';

export interface TextColumn<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** @default left */
  readonly align?: 'left' | 'right';
  /** Of the cell, after it was cut and padded. */
  readonly paint?: (row: Row) => (text: string) => string;
  /** What is cut when the table is too wide: columns with the highest number first; 0 is never cut. @default 0 */
  readonly yields?: number;
}

export interface TextOptions {
  /** Undefined: as wide as it is, for a pipe. */
  readonly columns: number | undefined;
  readonly paint: Paint;
}

const GAP = 2;
/** A column is not cut below this. */
const NARROWEST = 12;

/**
 * A table like kubectl's: heads in capitals, columns two blanks apart, no blanks at line ends. Where it is too wide, columns in which
 * nothing stands make room before a cell is cut; cut cells end in an ellipsis.
 */
export function renderColumns<Row>(
  all: readonly TextColumn<Row>[],
  rows: readonly Row[],
  { columns, paint }: TextOptions,
): string[] {
  const table =
    columns === undefined || lineWidth(naturalWidths(all, rows)) <= columns
      ? all
      : all.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const natural = naturalWidths(table, rows);
  const widths = columns === undefined ? natural : fitted(table, natural, columns);
  const draw = (texts: readonly string[], style: (index: number) => (text: string) => string) =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const cut = cutTo(text, width);
        const isLast = index === texts.length - 1;
        const padded = table[index]?.align === 'right' ? cut.padStart(width) : isLast ? cut : cut.padEnd(width);
        return style(index)(padded);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const heads = table.map(({ head }) => head);
  return [
    draw(heads, () => paint.bold),
    ...rows.map((row) =>
      draw(
        table.map(({ cell }) => cell(row)),
        (index) => table[index]?.paint?.(row) ?? ((text) => text),
      ),
    ),
  ];
}

export function cutTo(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function naturalWidths<Row>(table: readonly TextColumn<Row>[], rows: readonly Row[]): number[] {
  return table.map(({ head, cell }) => Math.max(head.length, ...rows.map((row) => cell(row).length)));
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

/** Takes from the columns that yield, the most willing first, until the line fits or nothing yields any more. */
function fitted<Row>(table: readonly TextColumn<Row>[], natural: readonly number[], columns: number): number[] {
  const widths = [...natural];
  const willing = table
    .map(({ yields = 0 }, index) => ({ yields, index }))
    .filter(({ yields }) => yields > 0)
    .toSorted((a, b) => b.yields - a.yields);
  for (const { index } of willing) {
    const excess = lineWidth(widths) - columns;
    if (excess <= 0) break;
    const width = widths[index] ?? 0;
    widths[index] = Math.max(Math.min(width, NARROWEST), width - excess);
  }
  return widths;
}

/** Breaks a sentence at blanks, so that it fits behind an indent; a word that is longer than the line stays whole. */
export function wrapped(text: string, columns: number | undefined, indent: number): string[] {
  if (columns === undefined) return [text];
  return fillLines(text.trim().split(/\s+/), columns - indent);
}
