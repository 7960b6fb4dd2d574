import { type Claim, type ClaimKind, claimKey } from '../../lib/model/addresses/claim.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { type PodRef, podKey } from '../../lib/model/pod.ts';
import type { Reason, Refusal } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { AddressMetrics, Ec2Metrics } from '../../lib/runtime/metrics.ts';
import { LastingError } from '../aws/lasting-error.ts';
import type { AddressEvents } from './events.ts';

/** A Kubernetes Event about a pod, to be recorded somehow and never waited for. */
export interface PodEvent {
  readonly pod: PodRef;
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'AddressAssigned' | 'AddressMoved' | 'AddressReleased' | 'AddressRefused';
  readonly message: string;
}

export interface AddressReporterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AddressMetrics & Pick<Ec2Metrics, 'ec2Facts'>;
  readonly emit: (event: PodEvent) => void;
  /** The kind to report of a claim, where that is not the kind to decide by. @default its own */
  readonly kindOf?: (claim: Claim) => ClaimKind;
}

/** Reports what the engine does: log lines that give the whole life of an address, metrics, and Events on the pods. */
export class AddressReporter implements AddressEvents {
  readonly #options: AddressReporterOptions;
  /** The reason last reported per claim, so that a refusal is reported once and not by each reconcile. */
  #reported = new Map<string, Reason>();
  #reportedFaults: ReadonlySet<string> = new Set();
  #leftOut: ReadonlySet<string> = new Set();
  readonly #lasting: LastingError;

  constructor(options: AddressReporterOptions) {
    this.#options = options;
    this.#lasting = new LastingError(options.clock);
  }

  assigned(...[claims, eni, call]: Parameters<AddressEvents['assigned']>): void {
    const { clock, log, metrics, kindOf = ({ kind }: Claim) => kind } = this.#options;
    for (const claim of claims) {
      const kind = kindOf(claim);
      const from = call.from.get(claim.address);
      // By force, yet the answer may say that it was here already.
      const took = call.takeover && (call.assigned?.includes(claim.address) ?? kind === 'floating');
      const moved = from !== undefined || took;
      const latencyMs = clock.now() - claim.since;
      log.info(moved ? 'took address over' : 'assigned address', {
        ...placeOf(claim),
        eni,
        ...(from && { from }),
        kind,
        latencyMs,
        callMs: call.durationMs,
        together: claims.length,
        requestId: call.requestId,
      });
      metrics.assigned(kind, latencyMs / 1000);
      this.#came(claim, eni, { moved, from, latencyMs });
    }
  }

  /** A forced move is always reported as one. */
  #came(claim: Claim, eni: EniId, { moved, from, latencyMs }: Arrival): void {
    const { metrics, emit, kindOf = ({ kind }: Claim) => kind } = this.#options;
    metrics.changed(moved ? 'moved' : 'assigned');
    if (moved) metrics.tookOver(kindOf(claim), from);
    const did = moved ? `moved from ${from ?? 'an ENI that EC2 did not show'} to` : 'is on';
    const message = `${claim.address} (${claim.interface}) ${did} ${eni} after ${latencyMs} ms`;
    emit({ pod: claim.holder, type: 'Normal', reason: moved ? 'AddressMoved' : 'AddressAssigned', message });
  }

  confirmed(...[claim, entry, from]: Parameters<AddressEvents['confirmed']>): void {
    const { clock, log } = this.#options;
    const { eni } = entry;
    const latencyMs = clock.now() - entry.claimedAt;
    const moved = from !== undefined;
    const what = moved ? 'took address over' : 'assigned address';
    log.info(`${what}: a call that got no answer had taken effect`, {
      ...placeOf(claim),
      eni,
      ...(from && { from }),
      latencyMs,
    });
    this.#came(claim, eni, { moved, from, latencyMs });
  }

  released(...[entries, call]: Parameters<AddressEvents['released']>): void {
    const { log, metrics, emit } = this.#options;
    for (const entry of entries) {
      const { address, eni, holder } = entry;
      log.info('released address', { address, eni, pod: podKey(holder), requestId: call.requestId });
      metrics.changed('released');
      const message = `${address} (${entry.interface}) is no longer used and was removed from ${eni}`;
      emit({ pod: holder, type: 'Normal', reason: 'AddressReleased', message });
    }
  }

  lost(...[entry]: Parameters<AddressEvents['lost']>): void {
    const { log, metrics } = this.#options;
    const { address, eni, holder } = entry;
    log.warn('address is no longer on our ENI; standing down', {
      address,
      eni,
      pod: podKey(holder),
      interface: entry.interface,
    });
    metrics.changed('lost');
  }

  callFailed(...[error, eni, addresses]: Parameters<AddressEvents['callFailed']>): void {
    const { action, code, kind, requestId } = error;
    const fields = { action, code, kind, eni, addresses, requestId, message: error.message };
    if (kind === 'throttled') this.#options.log.info('EC2 is throttling requests', fields);
    else this.#options.log.warn('EC2 call failed', fields);
  }

  described(...[cause, durationMs, enis]: Parameters<AddressEvents['described']>): void {
    this.#options.metrics.ec2Facts('enis');
    this.#options.log.debug('described ENIs', { cause, durationMs, enis });
  }

  problem(message: string, error: unknown): void {
    this.#options.log.warn(message, { error });
  }

  /** Reports each refusal when it begins or changes its reason, a passing one when it lasts. */
  statuses(statuses: readonly ClaimStatus[]): void {
    const now = new Map<string, Reason>();
    const refused = new Set<string>();
    for (const { claim, state, refusal } of statuses) {
      if (state !== 'refused' || refusal === undefined) continue;
      const key = `${claim.holder.uid}|${claim.interface}|${claim.address}`;
      refused.add(key);
      const before = this.#reported.get(key);
      const isWorthTelling = this.#lasting.isWorthTelling(key, refusal.reason);
      const reported = isWorthTelling ? refusal.reason : before;
      if (reported !== undefined) now.set(key, reported);
      if (!isWorthTelling || before === refusal.reason) continue;
      this.#options.log.warn('address refused', {
        ...placeOf(claim),
        reason: refusal.reason,
        message: refusal.message,
      });
      this.#options.emit({
        pod: claim.holder,
        type: 'Warning',
        reason: 'AddressRefused',
        message: `${refusal.reason}: ${refusal.message}`,
      });
    }
    this.#lasting.keepOnly(refused);
    this.#reported = now;
  }

  /** Logs once what is left out because no subnet of the VPC has it; nobody needs a warning. */
  leftOut(claims: readonly Claim[]): void {
    const now = new Map(claims.map((claim) => [claimKey(claim), claim]));
    for (const [key, claim] of now) {
      if (this.#leftOut.has(key)) continue;
      this.#options.log.info('left out: no subnet of the VPC has the address', placeOf(claim));
    }
    this.#leftOut = new Set(now.keys());
  }

  /**
   * Reports what of an annotation or cache file could not be understood, once until it changes. `podOf` finds the pod of a key that
   * names one; a file's refusal has none and reaches the log only.
   */
  inputFaults(refusals: ReadonlyMap<string, readonly Refusal[]>, podOf: (key: string) => PodRef | undefined): void {
    const now = new Set<string>();
    for (const [where, faults] of refusals) {
      for (const { reason, message } of faults) {
        const key = `${where}|${message}`;
        now.add(key);
        if (this.#reportedFaults.has(key)) continue;
        const pod = podOf(where);
        this.#options.log.warn('input refused', { where, reason, message });
        if (pod)
          this.#options.emit({ pod, type: 'Warning', reason: 'AddressRefused', message: `${reason}: ${message}` });
      }
    }
    this.#reportedFaults = now;
  }
}

interface Arrival {
  readonly moved: boolean;
  readonly from: EniId | undefined;
  readonly latencyMs: number;
}

function placeOf(claim: Claim) {
  return { address: claim.address, pod: podKey(claim.holder), interface: claim.interface };
}
