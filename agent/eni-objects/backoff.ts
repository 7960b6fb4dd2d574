import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniReason } from '../../lib/model/eni-objects/eni-object.ts';
import type { EniStep } from '../../lib/model/eni-objects/plan.ts';

/** First and longest pause, ms: what a human must fix is asked rarely. */
export type Pause = readonly [number, number];

const SOON: Pause = [1_000, 30_000];
const SLOW: Pause = [30_000, 600_000];

/** Translates a refusal of EC2 into what the object's owner reads. Throttling does not come here. */
export function eniBackoff(error: Ec2Error, step: EniStep): { reason: EniReason; message: string; pause: Pause } {
  const [reason, advice, pause] = meaningOf(error);
  return { reason, message: `${step.kind}: ${error.message} (${error.code})${advice}`, pause };
}

/** The API server refused a write; most often the object has changed since it was read. */
export function kubeBackoff(cause: unknown, { kind }: EniStep): { reason: EniReason; message: string; pause: Pause } {
  return { reason: 'Settling', message: `${kind}: ${String(cause)}`, pause: [500, 30_000] };
}

function meaningOf({ kind, action, code }: Ec2Error): readonly [EniReason, string, Pause] {
  switch (kind) {
    case 'unauthorized':
      return ['Unauthorized', `; allow ec2:${action} in the controller's IAM role`, SLOW];
    case 'limit':
      return code === 'AttachmentLimitExceeded' ? ['InstanceFull', '', SLOW] : ['LimitReached', '', SLOW];
    case 'unavailable':
    case 'unknown-outcome':
    case 'throttled':
      return ['Ec2Unavailable', '; it is repeated', SOON];
    case 'conflict':
    case 'not-assigned':
    case 'held-elsewhere':
      return ['Settling', '; EC2 is asked again', SOON];
    case 'not-found':
    case 'rejected':
      return ['RejectedByEc2', '', [2_000, 300_000]];
    default:
      return kind satisfies never;
  }
}
