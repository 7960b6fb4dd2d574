import type { Bar, Measurement } from '../../bench/measurement.ts';
import { renderTable } from '../../bench/table.ts';

/** What the stories measure, for docs/performance.md: printed when the last one has ended. */
export class Report {
  readonly #rows: Measurement[] = [];

  /** A row of the table; nothing for no samples. */
  add(title: string, samples: readonly number[], bar?: Bar): void {
    const rounded = samples.map((sample) => Math.round(sample * 10) / 10);
    if (samples.length > 0) {
      this.#rows.push({ name: title, title, unit: 'ms', samples: rounded, server: 'real nodes', ...(bar && { bar }) });
    }
  }

  toString(): string {
    return renderTable(this.#rows);
  }
}
