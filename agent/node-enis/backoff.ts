import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import type { NodeEniReason } from '../../lib/model/node-enis/reasons.ts';
import type { FailureReport } from '../../lib/runtime/failure-memory.ts';

type Pause = FailureReport<NodeEniReason>['pause'];

const SOON: Pause = [1_000, 30_000];
/** What a human must fix is asked rarely. */
const SLOW: Pause = [30_000, 600_000];

/** What a step's failure means to the owner of the object, and how long to wait. Throttling does not come here. */
export function nodeEniBackoff(cause: unknown, step: NodeEniStep): FailureReport<NodeEniReason> {
  if (!(cause instanceof Ec2Error))
    return { reason: 'Settling', message: `${step.kind}: ${String(cause)}`, pause: [500, 30_000] };
  const [reason, advice, pause] = byCode(cause) ?? byKind(cause);
  return { reason, message: `${step.kind}: ${cause.message} (${cause.code})${advice}`, pause };
}

type Meaning = readonly [NodeEniReason, string, Pause];

function byCode({ code }: Ec2Error): Meaning | undefined {
  switch (code) {
    case 'InsufficientFreeAddressesInSubnet':
      return ['SubnetFull', '; add a subnet to the object, or free addresses', SOON];
    case 'InvalidSubnetID.NotFound':
      return ['SubnetUnknown', '', SLOW];
    case 'InvalidGroup.NotFound':
    case 'InvalidGroupId.Malformed':
    case 'InvalidSecurityGroupID.NotFound':
      return ['SecurityGroupUnknown', '', SLOW];
    case 'AttachmentLimitExceeded':
      return ['InstanceFull', '', SLOW];
    case 'InvalidInstanceID.NotFound':
    case 'IncorrectInstanceState':
      return ['InstanceNotRunning', '', SOON];
    case 'IdempotentParameterMismatch':
      return [
        'Settling',
        '; an earlier call with another spec made the interface, which is looked for',
        [5_000, 30_000],
      ];
    default:
      return undefined;
  }
}

function byKind({ kind, action }: Ec2Error): Meaning {
  switch (kind) {
    case 'unauthorized':
      return ['Unauthorized', `; allow ec2:${action} in the controller's IAM role`, SLOW];
    case 'limit':
      return ['LimitReached', '; ask AWS to raise the quota', SLOW];
    case 'unavailable':
    case 'unknown-outcome':
    case 'throttled':
      return ['Ec2Unavailable', '; it is repeated', SOON];
    case 'conflict':
    case 'not-assigned':
    case 'held-elsewhere':
    case 'not-found':
      return ['Settling', '; EC2 is asked again', SOON];
    case 'rejected':
      return ['RejectedByEc2', '', [2_000, 300_000]];
    default:
      return kind satisfies never;
  }
}
