/** Run as a process of its own by the journal test, which kills it: puts one record after another and prints each that is stored. */
import { writeSync } from 'node:fs';
import { Journal } from '../../../lib/runtime/journal.ts';

const journal = new Journal<number>({
  path: process.argv[2] ?? '',
  revive: (stored) => (typeof stored === 'number' ? stored : undefined),
  onProblem: (message) => process.stderr.write(`${message}\n`),
  compactAfter: 50,
});

for (let count = 1; ; count += 1) {
  journal.put([[`key-${count % 10}`, count]]);
  writeSync(1, `${count}\n`);
}
