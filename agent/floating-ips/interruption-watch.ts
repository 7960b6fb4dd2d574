import type { SpotAction } from '../../lib/ec2/imds.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface InterruptionWatchOptions {
  readonly clock: Clock;
  /** Undefined while nothing is announced. */
  readonly read: (signal: AbortSignal) => Promise<SpotAction | undefined>;
  readonly onNotice: (reason: string) => void;
  readonly onProblem: (error: unknown) => void;
}

/** AWS announces an interruption two minutes ahead and asks to look each 5 s (EC2 user guide, spot interruption notices). */
const INTERVAL_MS = 5_000;

/** Looks for the notice that this spot instance will be taken away. Never rejects. */
export async function watchInterruption(
  { clock, read, onNotice, onProblem }: InterruptionWatchOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const notice = await read(signal);
      if (notice !== undefined) onNotice(`spot interruption, ${notice.action} at ${notice.time}`);
    } catch (error) {
      if (!signal.aborted) onProblem(error);
    }
    await clock.sleep(INTERVAL_MS, signal);
  }
}
