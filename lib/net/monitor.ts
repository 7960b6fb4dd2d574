import type { Clock } from '../runtime/clock.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { streamLines } from './command.ts';
import type { AddressEvent } from './monitor-line.ts';
import { parseMonitorLine } from './monitor-line.ts';
import { inNamespace } from './read-links.ts';

export interface MonitorOptions {
  /** Every namespace that has an nsid here, or one namespace: our own (`undefined`) or the one bound at a path. */
  readonly scope: 'all-nsid' | { readonly path: string | undefined };
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: (event: AddressEvent) => void;
  /** Events may have been missed: everything must be read again. */
  readonly onGap: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
  /** Called with the id of each `ip` process that is started. */
  readonly onSpawn?: (pid: number | undefined) => void;
}

/**
 * ip says nothing when it begins to listen; it does so a few ms after its start. The first re-read covers the usual case quickly,
 * the second a machine under load.
 */
const LISTENING_AFTER_MS: readonly number[] = [40, 1_000];

/** A node's first start reads every namespace anyway, so that a quick second time would only double its load. */
const FIRST_OF_ALL_MS: readonly number[] = [1_000];

/**
 * Keeps one `ip -o monitor address` running until the signal aborts, and turns its lines into events. When it ends, for whatever
 * reason, it is started again with back-off; a gap is reported after each start and when the kernel dropped messages.
 */
export async function monitorAddresses(options: MonitorOptions, signal: AbortSignal): Promise<void> {
  const { clock, random } = options;
  const onFailure = (_task: string, error: unknown, retryInMs: number) =>
    options.onProblem(`the address monitor ended; it is started again in ${Math.round(retryInMs)} ms`, error);
  const supervisor = new Supervisor({ clock, random, onFailure }, signal);
  let gaps = options.scope === 'all-nsid' ? FIRST_OF_ALL_MS : LISTENING_AFTER_MS;
  supervisor.keep('address monitor', async (stop) => {
    const now = gaps;
    gaps = LISTENING_AFTER_MS;
    await monitorOnce(options, now, stop);
  });
  await supervisor.finished();
}

async function monitorOnce(options: MonitorOptions, gapsMs: readonly number[], signal: AbortSignal): Promise<void> {
  const { scope, clock, onEvent, onGap, onSpawn } = options;
  const [file, args] =
    scope === 'all-nsid'
      ? (['ip', ['-o', 'monitor', 'address', 'all-nsid']] as const)
      : inNamespace(scope.path, ['ip', '-o', 'monitor', 'address']);
  const cancels = gapsMs.map((ms) => clock.after(ms, onGap));
  try {
    for await (const line of streamLines(file, args, signal, onSpawn)) {
      const event = parseMonitorLine(line);
      if (event?.kind === 'address') onEvent(event);
      else if (event?.kind === 'gap') onGap();
    }
  } finally {
    for (const cancel of cancels) cancel();
  }
}
