import { addressOn, type Eni, type Mac } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface ImdsWatchOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Addresses by MAC as instance metadata has them now. */
  readonly read: (signal: AbortSignal) => Promise<ReadonlyMap<Mac, readonly IpAddress[]>>;
  readonly enis: () => readonly Eni[];
  readonly invalidate: (cause: string) => void;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Asks the local metadata service now and then whether ENIs came, went, or lost an address. IMDS is a hint, EC2 describe is the fact,
 * and both lag: the same contradiction raises a doubt only once, and only when two looks in a row saw it.
 */
export async function watchImds(options: ImdsWatchOptions, signal: AbortSignal): Promise<void> {
  let before = '';
  let answered = '';
  while (!signal.aborted) {
    await options.clock.sleep(options.intervalMs, signal);
    if (signal.aborted) return;
    try {
      const contradiction = contradictionBetween(await options.read(signal), options.enis());
      if (contradiction !== '' && contradiction === before && contradiction !== answered) {
        answered = contradiction;
        options.invalidate(`instance metadata differs: ${contradiction}`);
      }
      if (contradiction === '') answered = '';
      before = contradiction;
    } catch (error) {
      if (!signal.aborted) options.onProblem(error);
    }
  }
}

/** In words what metadata has and the facts lack, and the other way round; empty when they agree. */
function contradictionBetween(seen: ReadonlyMap<Mac, readonly IpAddress[]>, enis: readonly Eni[]): string {
  const differences: string[] = [];
  for (const [mac, addresses] of seen) {
    const eni = enis.find((candidate) => candidate.mac === mac);
    if (eni === undefined) {
      differences.push(`ENI ${mac} is new`);
      continue;
    }
    const extra = addresses.filter((address) => addressOn(eni, address) === undefined);
    const missing = eni.addresses.filter(({ ip }) => !addresses.includes(ip)).map(({ ip }) => ip);
    if (extra.length > 0) differences.push(`${eni.id} has ${extra.join(' ')} too`);
    if (missing.length > 0) differences.push(`${eni.id} lacks ${missing.join(' ')}`);
  }
  for (const eni of enis) if (!seen.has(eni.mac)) differences.push(`${eni.id} is gone`);
  return differences.join('; ');
}
