export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** @default left */
  readonly align?: 'left' | 'right';
}

/** Text with aligned columns, two blanks apart, a rule below the heads and no blanks at line ends. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const draw = (line: readonly string[]) =>
    line
      .map((text, index) =>
        columns[index]?.align === 'right' ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const [heads = [], ...body] = lines;
  return [draw(heads), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(draw)].join('\n');
}
