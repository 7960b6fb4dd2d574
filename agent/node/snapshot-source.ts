import type { NodeOptions } from '../../lib/config/options.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { NodeSnapshotView, RateLimitView } from '../../lib/model/status/agent-snapshot.ts';
import { nodeSnapshot } from '../../lib/plan/status/node-snapshot.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import type { EipReport } from '../elastic-ips/reconciler-options.ts';
import { VERSION } from '../version.ts';
import type { Readiness } from './readiness.ts';

export interface SnapshotParts {
  readonly options: NodeOptions;
  /** Wall clock. */
  readonly clock: Clock;
  readonly readiness: Readiness;
}

/** Keeps the latest word of each loop for `/v1/snapshot`; what is not known yet is empty. */
export class SnapshotSource {
  readonly #parts: SnapshotParts;
  readonly #startedAt: number;
  #identity: InstanceIdentity | undefined;
  #describedAt: () => number | undefined = () => undefined;
  #ec2: (() => RateLimitView) | undefined;
  #addresses: NodeReport | undefined;
  #elasticIps: EipReport | undefined;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  /** @param describedAt when EC2 was last asked for the ENIs, ms since the epoch */
  serves(identity: InstanceIdentity, describedAt: () => number | undefined): void {
    this.#identity = identity;
    this.#describedAt = describedAt;
  }

  /** @param levels what the rate limit leaves now */
  ec2(levels: () => RateLimitView): void {
    this.#ec2 = levels;
  }

  addresses(report: NodeReport): void {
    this.#addresses = report;
  }

  elasticIps(report: EipReport): void {
    this.#elasticIps = report;
  }

  read(): NodeSnapshotView {
    const { options, clock, readiness } = this.#parts;
    const { nodeName, observe, takeover, release, dryRun } = options;
    return nodeSnapshot({
      version: VERSION,
      node: nodeName,
      instanceId: this.#identity?.instanceId ?? '',
      instanceType: this.#identity?.instanceType,
      region: this.#identity?.region ?? '',
      at: clock.now(),
      startedAt: this.#startedAt,
      observe,
      takeover,
      release,
      dryRun,
      notReady: readiness.faults(),
      notes: readiness.notes(),
      ...(this.#ec2 !== undefined && { ec2: this.#ec2() }),
      describedAt: this.#describedAt(),
      complete: this.#addresses?.complete ?? false,
      enis: this.#addresses?.enis ?? [],
      statuses: this.#addresses?.statuses ?? [],
      refusals: this.#addresses?.refusals ?? new Map(),
      elasticIps: this.#elasticIps?.statuses ?? [],
    });
  }
}
