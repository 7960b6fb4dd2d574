import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until the condition holds, looking every few milliseconds.
 * @throws {Error} naming `what` when it does not within `timeoutMs`; the signal's reason when it aborts.
 */
export async function until(
  what: string,
  condition: () => boolean,
  { signal, timeoutMs = 10_000 }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(3, undefined, { signal });
  }
}
