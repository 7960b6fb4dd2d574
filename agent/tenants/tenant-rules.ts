import { OPEN_POLICY, parseTenantPolicy, type TenantPolicy } from '../../lib/model/tenant-policy.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

export interface TenantRulesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The entries as they are now; empty where there is no policy. */
  readonly read: () => Promise<ReadonlyMap<string, string>>;
  /** Without entries nothing is granted: a policy that is missing at the start opens nothing. @default false */
  readonly required?: boolean;
  /** Another policy is in force. */
  readonly onChange: () => void;
}

/** How often the entries are read again, ms. The kubelet brings a changed ConfigMap within about a minute; a look is two system calls. */
const LOOK_MS = 10_000;

/**
 * The tenant policy in force. What is wrong with it is logged, all at once; a faulty element grants nothing. A changed policy with faults
 * does not replace one without: a slip of the pen must not take addresses from everybody. One that disappears stays in force while the
 * process lives: what opens everything must be written, not deleted.
 */
export class TenantRules {
  readonly #options: TenantRulesOptions;
  #policy: TenantPolicy = OPEN_POLICY;
  #seen: string | undefined;
  #sound = false;

  constructor(options: TenantRulesOptions) {
    this.#options = options;
  }

  get policy(): TenantPolicy {
    return this.#policy;
  }

  /** Reads the entries once; for the start, before anything is done. @throws {Error} when they cannot be read. */
  async load(): Promise<void> {
    this.#take(await this.#options.read());
  }

  /** Reads them again and again until the signal aborts. What cannot be read changes nothing. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      try {
        this.#take(await this.#options.read());
      } catch (error) {
        log.warn('cannot read the tenant policy; the one that was read last stays in force', { error });
      }
    }
  }

  #take(entries: ReadonlyMap<string, string>): void {
    const text = JSON.stringify([...entries]);
    if (text === this.#seen) return;
    const first = this.#seen === undefined;
    this.#seen = text;
    const { policy, faults } = parseTenantPolicy(entries);
    const { log, onChange, required = false } = this.#options;
    if (entries.size === 0 && this.#policy.closed) {
      log.error('the tenant policy is gone; the last one stays in force. Write it again, or grant * to open it');
      return;
    }
    if (faults.length > 0) {
      const kept = this.#sound && !first;
      const consequence = kept ? 'the one before it stays in force' : 'faulty elements grant nothing';
      log.error(`the tenant policy has faults; ${consequence}`, { faults });
      if (kept) return;
    }
    this.#sound = faults.length === 0;
    this.#policy = required ? { ...policy, closed: true } : policy;
    const { closed } = this.#policy;
    if (!closed && first) return;
    log.info('tenant policy in force', { closed, namespaces: [...policy.namespaces.keys()] });
    onChange();
  }
}
