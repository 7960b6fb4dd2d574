import { playFailovers, renderReport } from '../test/scenario/floating-ips/failovers.ts';

/**
 * `node bench/floating-failovers.ts [disturbances] [seed]`: many simulated failovers of a node-level floating IP on virtual time.
 * Prints the distribution of takeover times; ends with 1 when a promise was broken or a dead node was not replaced within 5 s.
 */
const [disturbances = '1000', seed = '2026'] = process.argv.slice(2);
const CEILING_MS = 5_000;

const report = await playFailovers(Number(disturbances), Number(seed));
process.stdout.write(`${renderReport(report)}\n`);
const slow = (report.byKind.get('node dies')?.takeoverMs ?? []).filter((ms) => ms > CEILING_MS);
if (report.faults.length > 0 || slow.length > 0) process.exitCode = 1;
