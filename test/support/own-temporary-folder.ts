import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives one run of the tests a temporary folder of its own and removes it afterwards: nothing is left behind, whatever a test forgets. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-tests-'));
  // The real nodes outlive a run that is killed: the next one must find and stop them.
  process.env['REAL_NODE_DIR'] ??= join(tmpdir(), 'real-node');
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
