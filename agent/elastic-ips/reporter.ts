import type { EipEventKind, EipStatus, ElasticIpClaim } from '../../lib/model/elastic-ips/claim.ts';
import { podKey } from '../../lib/model/pod.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { LastingError } from '../aws/lasting-error.ts';

/** Reports each refusal of a claim once, a passing one when it lasts, until it changes its reason or the claim is bound; whether EC2 refused it or the plan did. */
export class ElasticIpReporter {
  readonly #log: Logger;
  readonly #recordEvent: (claim: ElasticIpClaim, event: EipEventKind) => void;
  readonly #reported = new Map<string, string>();
  readonly #lasting: LastingError;

  constructor(clock: Clock, log: Logger, recordEvent: (claim: ElasticIpClaim, event: EipEventKind) => void) {
    this.#lasting = new LastingError(clock);
    this.#log = log;
    this.#recordEvent = recordEvent;
  }

  statuses(statuses: readonly EipStatus[]): void {
    const now = new Set(statuses.map(({ claim }) => claim.id));
    for (const id of this.#reported.keys()) if (!now.has(id)) this.#reported.delete(id);
    this.#lasting.keepOnly(new Set(statuses.flatMap(({ state, claim }) => (state === 'refused' ? [claim.id] : []))));
    for (const status of statuses) this.#status(status);
  }

  #status(status: EipStatus): void {
    const { claim } = status;
    if (status.state === 'bound') this.#reported.delete(claim.id);
    if (status.state !== 'refused') return;
    const { reason, message } = status.refusal;
    if (!this.#lasting.isWorthTelling(claim.id, reason)) return;
    const text = `${claim.owner.uid} ${reason}`;
    if (this.#reported.get(claim.id) === text) return;
    this.#reported.set(claim.id, text);
    this.#log.warn('Elastic IP refused', { pod: podKey(claim.owner), claim: claim.id, reason, message });
    this.#recordEvent(claim, { kind: 'association-failed', message: `${reason}: ${message}` });
  }
}
