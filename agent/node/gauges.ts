import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { slotLimit, usedSlots } from '../../lib/model/eni.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { AddressMetrics } from '../../lib/runtime/metrics.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';

/** Turns the state after each reconcile into gauges. */
export class Gauges {
  readonly #metrics: AddressMetrics;

  constructor(metrics: AddressMetrics) {
    this.#metrics = metrics;
  }

  elasticIps({ statuses }: EipReport): void {
    const refused = statuses.flatMap((status) => (status.state === 'refused' ? [status.refusal] : []));
    this.#metrics.elasticIps({
      byDialect: count(statuses, ({ claim }) => claim.dialect),
      bound: statuses.filter(({ state }) => state === 'bound').length,
      refusedByReason: count(refused, ({ reason }) => reason),
    });
  }

  /** Files of the state folder, by name: those that do not record, or did not when the agent started. */
  stateFiles(files: Readonly<Record<string, Journal<unknown>>>): void {
    const faults = Object.entries(files).map(([name, { limits }]) => [name, limits === undefined ? 0 : 1] as const);
    this.#metrics.stateFaults(Object.fromEntries(faults));
  }

  report({ statuses, refusals, enis }: NodeReport, ledger: readonly LedgerEntry[]): void {
    const refusedClaims = statuses.flatMap(({ state, refusal }) => (state === 'refused' && refusal ? [refusal] : []));
    const refused = [...refusedClaims, ...[...refusals.values()].flat()];
    this.#metrics.claims(count(statuses, ({ claim }) => claim.kind));
    this.#metrics.refusals(count(refused, ({ reason }) => reason));
    this.#metrics.pending(statuses.filter(({ state }) => state === 'pending').length);
    this.#metrics.ledger(count(ledger, ({ state }) => state));
    this.#metrics.slots(
      enis.flatMap((eni) =>
        ([4, 6] as const).map((family) => ({
          eni: eni.id,
          family,
          used: usedSlots(eni, family),
          limit: slotLimit(eni, family),
        })),
      ),
    );
  }
}

function count<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}
