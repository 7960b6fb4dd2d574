import type { ResourceType } from '../model/eip-objects/eip-object.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { findResource } from './custom-resources.ts';

export interface WhileServedOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** One of them is enough. */
  readonly types: readonly ResourceType[];
  /** Works until the signal aborts, or until a watch finds the resource gone. */
  readonly serve: (signal: AbortSignal) => Promise<void>;
  /** The cluster does not have the resource (any more). */
  readonly onAbsent?: () => void;
  /** It cannot be found out whether the cluster has it, or `serve` has failed. */
  readonly onProblem: (error: unknown) => void;
}

/** How often a cluster without the resource is asked whether it has it now, ms: one small GET for each type. */
const DISCOVERY_MS = 300_000;

/**
 * Serves a custom resource that the cluster may not have, or get later, or lose: without it there is no watch. Runs until the signal
 * aborts; never rejects.
 */
export async function whileServed(options: WhileServedOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, types, serve, onAbsent, onProblem } = options;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const found = await Promise.all(types.map((type) => findResource(client, type, signal)));
      failures = 0;
      const served = found.some((resource) => resource !== undefined);
      if (served) await serve(signal);
      if (signal.aborted) return;
      onAbsent?.();
      if (!served) await clock.sleep(DISCOVERY_MS * (0.8 + 0.4 * random()), signal);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      onProblem(error);
      await clock.sleep(backoffMs(failures, { baseMs: 500, maxMs: 60_000, random }), signal);
    }
  }
}
