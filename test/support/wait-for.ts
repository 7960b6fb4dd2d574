import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/** Until the check throws no more, as `vi.waitFor`; its own patience, a second, is short where the machine does other things, too. */
export function waitFor<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 10 });
}
