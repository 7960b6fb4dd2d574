import type { AddressApi, AddressHolder } from '../../lib/ec2/api.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Plan } from '../../lib/model/plan.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import { reportFailure } from '../aws/report-failure.ts';
import type { Attempts } from './attempts.ts';
import type { EngineEvents } from './events.ts';

export interface LookUpOptions {
  readonly ec2: AddressApi;
  readonly budget: Budget;
  readonly attempts: Attempts;
  readonly events: EngineEvents;
  readonly wake: () => void;
}

/**
 * Finds out who holds the addresses that we stand down from: all of them in one read, at the pace of their setbacks. What nobody
 * holds may be assigned again (never taken over); of the rest the holder is told to the pod's owner.
 */
export class LookUp {
  readonly #options: LookUpOptions;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;

  constructor(options: LookUpOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  request(planned: Plan): void {
    if (planned.lookUp.length === 0 || this.#signal.aborted) return;
    this.#running ??= this.#find(planned).finally(() => {
      this.#running = undefined;
      this.#options.wake();
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #find(planned: Plan): Promise<void> {
    const { ec2, budget, attempts, events } = this.#options;
    const claimsOf = (address: IpAddress) =>
      planned.statuses
        .filter(({ claim, state }) => claim.address === address && state === 'refused')
        .map(({ claim }) => claim);
    const setBack = (address: IpAddress, message: string, reason: Reason = 'HeldElsewhere') => {
      for (const claim of claimsOf(address)) attempts.failed(claim, reason, message);
    };
    if (!(await budget.admit(() => 1, this.#signal))) return;
    try {
      const holders = await ec2.findHolders(planned.lookUp, { signal: this.#signal });
      budget.succeeded();
      for (const address of planned.lookUp) {
        const holder = holders.get(address);
        if (holder === undefined) attempts.foundFree(address);
        else setBack(address, heldBy(address, holder), holder.primary ? 'PrimaryAddress' : 'HeldElsewhere');
      }
    } catch (error) {
      reportFailure(budget, error);
      if (this.#signal.aborted) return;
      events.problem(`cannot find out who holds ${planned.lookUp.join(', ')}`, error);
      for (const address of planned.lookUp)
        setBack(address, `${address} is not on our ENI; its holder could not be found out`);
    }
  }
}

function heldBy(address: IpAddress, holder: AddressHolder): string {
  const where = holder.instanceId ? `${holder.eni} of ${holder.instanceId}` : holder.eni;
  if (holder.primary)
    return `${address} is the primary address of ${where}, which never moves; exclude it in the network's IPAM`;
  return `${address} is held by ${where}; standing down until it appears here anew or nobody holds it`;
}
