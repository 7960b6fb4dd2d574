import { attemptKey } from '../../lib/model/addresses/claim.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { type PodRef, podKey } from '../../lib/model/pod.ts';
import type { RoutedStatus, RouteRecord, RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RouteMetrics } from '../../lib/runtime/metrics.ts';

export interface RouteEvent {
  readonly pod: PodRef;
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'AddressAssigned' | 'AddressMoved' | 'AddressReleased';
  readonly message: string;
}

export interface RouteReporterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RouteMetrics;
  readonly emit: (event: RouteEvent) => void;
}

type Move = RouteStep & { readonly kind: 'move' };

/** Tells what happens to routes: a line for each call, and one Event for an address when all its tables are written. */
export class RouteReporter {
  readonly #options: RouteReporterOptions;
  /** Moves of an appearance that no Event has reported yet. */
  readonly #unreported = new Map<string, Move[]>();

  constructor(options: RouteReporterOptions) {
    this.#options = options;
  }

  moved(step: Move, call: { readonly callMs: number; readonly requestId: string | undefined }): void {
    const { clock, log, metrics } = this.#options;
    const { claim, table, destination, eni } = step;
    const latencyMs = clock.now() - claim.since;
    const from = takenFrom(step);
    log.info(from ? 'moved route' : 'wrote route', {
      address: claim.address,
      pod: podKey(claim.holder),
      interface: claim.interface,
      table,
      destination,
      eni,
      ...(from && { from }),
      latencyMs,
      ...call,
    });
    metrics.routeChanged(from ? 'moved' : 'written');
    metrics.routed(latencyMs / 1000);
    const key = attemptKey(claim);
    this.#unreported.set(key, [...(this.#unreported.get(key) ?? []), step]);
  }

  released({ address, table, destination, eni, holder }: RouteRecord, requestId: string | undefined): void {
    const { log, metrics, emit } = this.#options;
    log.info('removed route', { address, table, destination, eni, pod: podKey(holder), requestId });
    metrics.routeChanged('removed');
    const message = `${address} is no longer used: the route to ${destination} was removed from ${table}`;
    emit({ pod: holder, type: 'Normal', reason: 'AddressReleased', message });
  }

  lost({ address, table, destination, eni, holder }: RouteRecord): void {
    const fields = { address, table, destination, eni, pod: podKey(holder) };
    this.#options.log.warn('route leads elsewhere by now; standing down', fields);
    this.#options.metrics.routeChanged('lost');
  }

  unchecked(eni: EniId): void {
    this.#options.log.info("turned off the ENI's source/destination check, which drops packets for routed addresses", {
      eni,
    });
  }

  callFailed({ key }: RouteStep, { action, code, kind, requestId, message }: Ec2Error): void {
    const fields = { route: key, action, code, kind, requestId, message };
    if (kind === 'throttled' || kind === 'conflict' || kind === 'not-assigned')
      this.#options.log.info('EC2 refused a call for a route; the table is read again and the call repeated', fields);
    else this.#options.log.warn('EC2 call for a route failed', fields);
  }

  statuses(statuses: readonly RoutedStatus[]): void {
    const { clock, emit, metrics } = this.#options;
    const byState: Record<string, number> = {};
    for (const { tables } of statuses) for (const { state } of tables) byState[state] = (byState[state] ?? 0) + 1;
    metrics.routes(byState);
    const current = new Set(statuses.map(({ claim }) => attemptKey(claim)));
    for (const key of this.#unreported.keys()) if (!current.has(key)) this.#unreported.delete(key);
    for (const { claim, state, eni } of statuses) {
      const moves = this.#unreported.get(attemptKey(claim));
      if (moves === undefined || state === 'pending') continue;
      this.#unreported.delete(attemptKey(claim));
      const sources = moves.map(takenFrom);
      const list = moves.map(({ table }, index) => (sources[index] ? `${table} (from ${sources[index]})` : table));
      const message = `${claim.address} (${claim.interface}) is routed to ${eni} by ${list.join(', ')} after ${clock.now() - claim.since} ms`;
      const reason = sources.some((from) => from !== undefined) ? 'AddressMoved' : 'AddressAssigned';
      emit({ pod: claim.holder, type: 'Normal', reason, message });
    }
  }
}

/** What the route led to before; undefined where that was nobody else. */
function takenFrom({ claim, verb, from, eni }: Move): string | undefined {
  const known = claim.servedBefore ?? from;
  if (known !== undefined) return known === eni ? undefined : known;
  // EC2 replaces only what is there.
  return verb === 'replace' ? 'a target that was not read' : undefined;
}
