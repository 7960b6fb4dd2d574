import type { FloatingItem } from './item.ts';
import type { StepParts } from './step-parts.ts';

/** EC2 has moved something of the object here. Once for each acquisition of the Lease, however many calls that takes. */
export function countFailover(
  item: FloatingItem | undefined,
  { clock, metrics }: Pick<StepParts, 'clock' | 'metrics'>,
): void {
  if (item?.acquiredAt === undefined) return;
  metrics.floatingIpFailover(item.ip.name, (clock.now() - item.acquiredAt) / 1000);
  item.acquiredAt = undefined;
}
