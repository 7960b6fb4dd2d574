import { type Bar, type Measurement, statistic } from '../../bench/measurement.ts';
import { renderTable } from '../../bench/table.ts';

/** What the stories measure, for docs/performance.md: printed when the last one has ended. */
export class Report {
  readonly #rows: Measurement[] = [];

  /** A row of the table; nothing for no samples. */
  add(title: string, samples: readonly number[], bar?: Bar): void {
    const rounded = samples.map((sample) => Math.round(sample * 10) / 10);
    if (samples.length > 0) {
      // At once, too: a run that is cut off still leaves what it has measured.
      console.log(
        `${title}: p50 ${statistic(rounded, 'p50')} ms, p99 ${statistic(rounded, 'p99')} ms, n ${rounded.length}`,
      );
      this.#rows.push({ name: title, title, unit: 'ms', samples: rounded, server: 'real nodes', ...(bar && { bar }) });
    }
  }

  toString(): string {
    return renderTable(this.#rows);
  }
}
