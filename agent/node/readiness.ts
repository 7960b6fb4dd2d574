import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

/** How often it is looked whether the reasons are other ones, to report them in the log, ms. */
const LOOK_EVERY_MS = 15_000;

type Reasons = () => readonly string[];

/**
 * Why the agent cannot do its work yet or any more, gathered from the parts that exist by now: the HTTP server answers from the first
 * moment on, long before most parts are made. The same words go to `/readyz` and, when they change, to the log.
 */
export class Readiness {
  readonly #faults = new Map<string, Reasons>();
  readonly #notes: Reasons[] = [];
  readonly #stuck: Reasons[] = [];
  #reported = '';

  /** Sets the reasons of one part; later ones of the same name replace them. */
  faultsOf(part: string, reasons: Reasons): void {
    this.#faults.set(part, reasons);
  }

  notesOf(reasons: Reasons): void {
    this.#notes.push(reasons);
  }

  /** Reasons to restart the process. */
  stuckOf(reasons: Reasons): void {
    this.#stuck.push(reasons);
  }

  faults(): readonly string[] {
    return [...this.#faults.values()].flatMap((reasons) => reasons());
  }

  notes(): readonly string[] {
    return this.#notes.flatMap((reasons) => reasons());
  }

  stuck(): readonly string[] {
    return this.#stuck.flatMap((reasons) => reasons());
  }

  /** Writes to the log when the reasons change, until the signal aborts. The first seconds of a start are not worth a line. */
  async follow(clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
    await clock.sleep(LOOK_EVERY_MS, signal);
    while (!signal.aborted) {
      this.#report(log);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #report(log: Logger): void {
    const [reasons, notes] = [this.faults(), this.notes()];
    const now = [...reasons, ...notes].join('\n');
    if (now === this.#reported) return;
    this.#reported = now;
    if (reasons.length > 0) log.warn('not ready', { reasons, notes });
    else if (notes.length > 0) log.warn('ready, but something looks wrong', { notes });
    else log.info('ready; nothing looks wrong any more');
  }
}

/** One reason, with its cause where one is known; none while all is well. */
export function unless(isWell: boolean, reason: string, cause?: string): readonly string[] {
  if (isWell) return [];
  return [cause === undefined ? reason : `${reason}: ${cause}`];
}
