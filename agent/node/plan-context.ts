import { join } from 'node:path';
import type { PlanOptions } from '../../lib/config/options.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { Ec2Access } from '../aws/ec2-access.ts';
import type { ProcessParts } from '../process.ts';
import type { PlanAnswers } from './plan-answers.ts';
import type { PlanSources } from './plan-sources.ts';

/** How long the sources may take, ms. */
export const LOOK_MS = 30_000;

export interface LookOptions {
  readonly options: PlanOptions;
  readonly parts: ProcessParts;
  readonly kube: KubeClient;
  /** Those of the cluster, for the addresses that this node serves. */
  readonly floatingIps: readonly FloatingIp[];
  /** Called again and again with what is still waited for. */
  readonly onWaiting: (missing: readonly string[]) => void;
}

/** What every loop of a plan is made from. */
export interface PlanContext {
  readonly options: PlanOptions;
  readonly process: ProcessParts;
  readonly sources: PlanSources;
  readonly answers: PlanAnswers;
  readonly instance: { readonly identity: InstanceIdentity; readonly ec2: Ec2Access };
  readonly rateLimit: RateLimit;
  /** Keeps new calls from starting and ends those in flight. */
  readonly signal: AbortSignal;
}

/** What the agent of this node has recorded: read, never written. */
export function readJournal<T>(
  { options, process: { log } }: Pick<PlanContext, 'options' | 'process'>,
  file: string,
  revive: (stored: unknown) => T | undefined,
): Journal<T> {
  return new Journal({
    path: join(options.stateDir, file),
    access: 'read',
    revive,
    onProblem: (message, error) => log.warn(message, { error }),
  });
}
