import type { ObjectStep } from '../../lib/model/controller-plan.ts';
import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Setback } from '../../lib/model/snapshot.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import { setbackOf } from '../eip/reasons.ts';
import { eipCallOf } from './step-facts.ts';

/** How long an object waits after a failed call, and why: longer each time the same happens; not at all when nobody knows the outcome. */
export function nextSetback(
  before: Setback | undefined,
  error: Ec2Error,
  step: ObjectStep,
  { now, random }: { readonly now: number; readonly random: () => number },
): Setback {
  const { reason, message, pause } = setbackOf(error, { kind: eipCallOf(step) });
  const failures = before?.reason === reason ? before.failures + 1 : 1;
  const [baseMs, maxMs] = pause;
  const wait = error.kind === 'unknown-outcome' ? 0 : backoffMs(failures, { baseMs, maxMs, random });
  return { reason, message, failures, until: now + wait };
}
