import type { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import type { Reason } from '../../lib/model/refusal.ts';

/** What a refused step means to the pod's owner, and what to do about it. */
export interface EipBackoff {
  readonly reason: Reason;
  readonly message: string;
  /** First and longest pause, ms: what a human must fix is asked rarely and quietly. */
  readonly pause: readonly [number, number];
}

/** Others compete for it, or EC2 is about to know it. */
const AT_ONCE = [100, 30_000] as const;
const SOON = [500, 30_000] as const;
const SLOW = [30_000, 600_000] as const;

const BY_CODE: Readonly<Record<string, readonly [Reason, string, readonly [number, number]]>> = {
  AddressLimitExceeded: [
    'EipQuotaReached',
    'the account may not have more Elastic IPs; release unused ones or ask for a higher quota (L-0263D0A3)',
    SLOW,
  ],
  InsufficientAddressCapacity: [
    'EipPoolEmpty',
    'the pool has no free address; add addresses to it or name another pool',
    SLOW,
  ],
  'InvalidPublicIpv4PoolID.NotFound': ['EipPoolEmpty', 'the pool does not exist in this region', SLOW],
  'Gateway.NotAttached': ['NoInternetGateway', 'attach an internet gateway to the VPC', SLOW],
  'InvalidAllocationID.NotFound': ['EipNotFound', 'EC2 does not know the Elastic IP (yet)', AT_ONCE],
  'Resource.AlreadyAssociated': ['EipInUse', 'another owner was faster', AT_ONCE],
};

/** Translates a refusal of EC2 into a back-off. Network faults and throttling do not come here. */
export function backoffOf(error: Ec2Error, step: Pick<EipStep, 'kind'>): EipBackoff {
  const [reason, advice, pause] = BY_CODE[error.code] ?? fallback(error);
  return { reason, message: `${step.kind}: ${error.message} (${error.code})${advice ? `; ${advice}` : ''}`, pause };
}

function fallback(error: Ec2Error): readonly [Reason, string, readonly [number, number]] {
  if (error.kind === 'unauthorized') return ['Unauthorized', `allow ec2:${error.action} in the agent's IAM role`, SLOW];
  if (error.kind === 'limit') return ['EipQuotaReached', '', SLOW];
  if (error.kind === 'unavailable') return ['Ec2Unavailable', 'it is repeated', SOON];
  return ['RejectedByEc2', '', [2_000, 300_000]];
}
