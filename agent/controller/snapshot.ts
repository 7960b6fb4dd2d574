import {
  type ControllerSnapshotView,
  type RateLimitView,
  SNAPSHOT_SCHEMA,
} from '../../lib/model/status/agent-snapshot.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { VERSION } from '../version.ts';

/** What one replica of the controller answers to `/v1/snapshot`. */
export class ControllerSnapshot {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #quota: ControllerSnapshotView['elasticIpQuota'];
  /** What the rate limit of the current term leaves. */
  ec2: (() => RateLimitView) | undefined;
  /** Whether this replica leads now. */
  leads: () => boolean = () => false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  quota(used: number, allowed: number | undefined): void {
    this.#quota = { used, allowed: allowed ?? null, at: this.#clock.now() };
  }

  /** @param waiting why it cannot do its work yet */
  read(waiting: string | undefined): ControllerSnapshotView {
    return {
      schema: SNAPSHOT_SCHEMA,
      kind: 'controller',
      version: VERSION,
      at: this.#clock.now(),
      startedAt: this.#startedAt,
      leader: this.leads(),
      notReady: waiting === undefined ? [] : [waiting],
      ...(this.ec2 !== undefined && { ec2: this.ec2() }),
      ...(this.#quota !== undefined && { elasticIpQuota: this.#quota }),
    };
  }
}
