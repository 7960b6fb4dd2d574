import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ControllerOptions } from '../../lib/config/options.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { createLeaseElector, type LeaseElector } from '../../lib/kube/lease.ts';
import type { ProcessParts } from '../process.ts';

/** Name of the Lease; one for all of the controller's loops. */
export const LEASE = 'eni-agent-controller';

export interface ElectionOptions {
  readonly process: Pick<ProcessParts, 'clock' | 'random' | 'log' | 'metrics'>;
  readonly kube: KubeClient;
  readonly options: ControllerOptions;
  readonly namespace: string;
  /** Does the leader's work until the signal aborts and everything in flight has ended. Must not reject. */
  readonly lead: (signal: AbortSignal, mayAct: () => boolean) => Promise<void>;
}

/** Competes for the Lease; one term of work per time it is won. */
export function createElection({
  process: { clock, random, log, metrics },
  kube,
  options,
  namespace,
  lead,
}: ElectionOptions): LeaseElector {
  const identity = `${hostname()}_${randomUUID()}`;
  let term: Promise<void> = Promise.resolve();
  const elector = createLeaseElector({
    client: kube,
    clock,
    random,
    lock: { namespace, name: LEASE, identity },
    times: {
      leaseDurationMs: options.leaseDurationMs,
      renewDeadlineMs: options.leaseRenewDeadlineMs,
      retryPeriodMs: options.leaseRetryPeriodMs,
    },
    callbacks: {
      onStartedLeading(signal) {
        log.info('leading', { identity, lease: `${namespace}/${LEASE}` });
        metrics.leaseHeld(LEASE, true);
        term = lead(signal, () => elector.isLeader());
      },
      async onStoppedLeading() {
        metrics.leaseHeld(LEASE, false);
        await term;
        log.info('no longer leading', { identity });
      },
      onError: (error) => log.warn('the Lease cannot be renewed or read', { error }),
    },
  });
  return elector;
}
