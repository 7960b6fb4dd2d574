import { join } from 'node:path';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { revivePendingAssociation } from '../../lib/model/elastic-ips/pending-association.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { NodeContext } from './context.ts';

/** What the agent remembers over restarts of addresses and Elastic IPs; a dry run only reads it. */
export function openStateFiles({ options, process: { log }, ages }: NodeContext) {
  const open = <T>(file: string, revive: (stored: unknown) => T | undefined) =>
    new Journal({
      path: join(options.stateDir, file),
      access: options.dryRun ? 'read' : 'write',
      revive,
      onProblem: (message, error) => log.error(message, { error }),
    });
  const ledger = open('ledger.jsonl', (stored) => reviveLedgerEntry(stored, ages.now()));
  if (!ledger.trusted)
    log.info('no usable ledger: addresses that are found in place do not count as new', { ledger: ledger.recovered });
  const pendingAssociations = open('elastic-ips.jsonl', revivePendingAssociation);
  return {
    ledger,
    pendingAssociations,
    close(): void {
      ledger.close();
      pendingAssociations.close();
    },
  };
}
