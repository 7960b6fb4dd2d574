import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../build.ts';
import { passedCeilings } from './ceilings.ts';
import type { Measurement, Skipped } from './measurement.ts';
import { BUNDLE } from './rig/rig.ts';
import { ROWS } from './rows.ts';
import { renderTable } from './table.ts';

const USAGE = `npm run bench [-- [--quick] [row…]]
  Measures the rows given, or all: ${ROWS.map(({ name }) => name).join(', ')}.
  --quick   fewer samples, for CI
  --beside  of these, the rows that do not mind what runs beside them: counts, virtual time
  --alone   of these, the other rows, which need the machine for themselves
  KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver; without it the simulated API server is used.
Results go to bench/results/. Exits 1 when a ceiling of bench/ceilings.ts is passed or a row fails.`;

/** Runs the rows one after the other: two at once would measure each other. */
async function main(argv: readonly string[]): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  const options = { quick: flag, beside: flag, alone: flag, help: flag };
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no row ${unknown.join(', ')}\n${USAGE}` : USAGE);
    return unknown.length > 0 ? 64 : 0;
  }
  const named = positionals.length === 0 ? ROWS : ROWS.filter(({ name }) => positionals.includes(name));
  const rows = named.filter(({ beside = false }) => values.beside === values.alone || beside === values.beside);
  await bundle('agent/main.ts', BUNDLE);
  const results: (Measurement | Skipped)[] = [];
  const faults: string[] = [];
  for (const row of rows) {
    const began = performance.now();
    console.log(`… ${row.name}`);
    try {
      const measured = await row.run({ quick: values.quick });
      results.push(...measured);
      for (const result of measured) if (!('skipped' in result)) faults.push(...passedCeilings(result));
    } catch (error) {
      faults.push(`${row.name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    keep(row.name, results, performance.now() - began);
  }
  console.log(`\n${machine()}\n\n${renderTable(results)}\n`);
  for (const fault of faults) console.error(`FAILED ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

/** One file per row, replaced by each run. */
function keep(row: string, results: readonly (Measurement | Skipped)[], tookMs: number): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const own = results.filter(({ name }) => name === row || name.startsWith(`${row}/`));
  const record = { row, machine: machine(), at: new Date().toISOString(), tookMs: Math.round(tookMs), results: own };
  writeFileSync(join(folder, `${row}.json`), `${JSON.stringify(record, null, 1)}\n`);
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

process.exitCode = await main(process.argv.slice(2));
