import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { QuotaApi } from '../../lib/ec2/service-quotas.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import { countedElasticIps, type QuotaLevel, quotaLevel } from './quota-use.ts';

export interface QuotaParts {
  readonly process: { readonly clock: Clock; readonly log: Logger };
  readonly ec2: { readonly elasticIps: Pick<ElasticIpApi, 'describe'>; readonly rateLimit: RateLimit };
  readonly quotas: QuotaApi;
  /** For metrics, each time it was read. `allowed` is undefined while Service Quotas does not say. */
  readonly report: (used: number, allowed: number | undefined) => void;
  /** The level has changed for the worse: warn people before an allocation fails. */
  readonly warn: (level: Exclude<QuotaLevel, 'fine'>, message: string) => void;
  readonly intervalMs?: number;
}

/** As often as k8s-eip-operator reported it. */
const INTERVAL_MS = 60_000;
/** A quota changes when a human asks for more, ms. */
const ALLOWED_MS = 15 * 60_000;

/** Reports the use of the quota of Elastic IPs until the signal aborts; meant for the leader only. Never rejects. */
export async function watchQuota(parts: QuotaParts, signal: AbortSignal): Promise<void> {
  const { process, intervalMs = INTERVAL_MS } = parts;
  const reader = new QuotaReader(parts);
  while (!signal.aborted) {
    await reader.read(signal);
    await process.clock.sleep(intervalMs, signal);
  }
}

class QuotaReader {
  readonly #parts: QuotaParts;
  #allowed: { readonly value: number | undefined; readonly at: number } | undefined;
  #level: QuotaLevel = 'fine';
  #reported = '';
  #failed = false;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  async read(signal: AbortSignal): Promise<void> {
    const { process, ec2 } = this.#parts;
    const describe = () => ec2.elasticIps.describe({}, { signal });
    try {
      const eips = await ec2Limiter(ec2.rateLimit).call(() => 4, signal, describe);
      if (eips !== NO_CALL) this.#report(countedElasticIps(eips), await this.#askAllowed(signal));
    } catch (error) {
      if (!signal.aborted) process.log.warn('the use of the Elastic IP quota is unknown', { error });
    }
  }

  /** Undefined when it cannot be learnt, say for want of IAM permission; asked again at the next time. */
  async #askAllowed(signal: AbortSignal): Promise<number | undefined> {
    const { process, quotas } = this.#parts;
    const { clock, log } = process;
    const now = clock.now();
    if (this.#allowed !== undefined && now < this.#allowed.at + ALLOWED_MS) return this.#allowed.value;
    try {
      this.#allowed = { value: await quotas.elasticIps({ signal }), at: now };
      this.#failed = false;
    } catch (error) {
      this.#allowed = { value: this.#allowed?.value, at: now };
      if (!this.#failed && !signal.aborted) {
        log.warn('the quota of Elastic IPs is unknown; allow servicequotas:GetServiceQuota', { error });
      }
      this.#failed = true;
    }
    return this.#allowed.value;
  }

  #report(used: number, allowed: number | undefined): void {
    const { process, report, warn } = this.#parts;
    const { log } = process;
    report(used, allowed);
    const levels = `${used}/${allowed}`;
    if (levels !== this.#reported) log.info('Elastic IPs of the account', { used, allowed });
    this.#reported = levels;
    if (allowed === undefined) return;
    const level = quotaLevel(used, allowed);
    const isWorse = level !== 'fine' && level !== this.#level && this.#level !== 'reached';
    this.#level = level;
    if (!isWorse) return;
    const message = `${used} of ${allowed} Elastic IPs of the account and region are in use; release unused ones or ask for a higher quota (L-0263D0A3)`;
    log.warn('the quota of Elastic IPs is nearly used up', { used, allowed, level });
    warn(level, message);
  }
}
