import { Ec2Error, type Ec2ErrorKind } from '../../lib/model/ec2-error.ts';
import type { EniReason } from '../../lib/model/eni-objects/eni-object.ts';
import type { Reason, Refusal } from '../../lib/model/refusal.ts';

/** First and longest pause, ms: what a human must fix is asked rarely and quietly. */
export type Pause = readonly [baseMs: number, maxMs: number];

/** What a refused call means to whoever asked for it. */
export interface Meaning<Of extends string> {
  readonly reason: Of;
  /** What to do about it; may be empty. */
  readonly advice: string;
  readonly pause: Pause;
}

type Row<Of extends string> = readonly [reason: Of, advice: string, pause: Pause];

/** Others compete for it, or EC2 is about to know it. */
const AT_ONCE: Pause = [100, 30_000];
const SOON: Pause = [500, 30_000];
const LATER: Pause = [2_000, 300_000];
const SLOW: Pause = [30_000, 600_000];
const REPEATED = 'it is repeated';

/** What the kinds of failure mean for a private address. How long a claim then waits is its own matter: see `Attempts`. */
const ADDRESS: Readonly<Record<Ec2ErrorKind, Reason>> = {
  throttled: 'Throttled',
  unavailable: 'Ec2Unavailable',
  'unknown-outcome': 'Ec2Unavailable',
  unauthorized: 'Unauthorized',
  'held-elsewhere': 'HeldElsewhere',
  limit: 'AddressLimitExceeded',
  'not-found': 'InterfaceGone',
  'not-assigned': 'RejectedByEc2',
  conflict: 'RejectedByEc2',
  rejected: 'RejectedByEc2',
};

const ELASTIC_IP: Readonly<Record<Ec2ErrorKind, Row<Reason>>> = {
  throttled: ['Throttled', REPEATED, SOON],
  unavailable: ['Ec2Unavailable', REPEATED, SOON],
  // Nobody knows what became of it: a look tells, and nobody waits for that.
  'unknown-outcome': ['Ec2Unavailable', 'EC2 is asked what became of it', [0, 0]],
  unauthorized: ['Unauthorized', "allow ec2:{action} in the agent's IAM role", SLOW],
  'held-elsewhere': ['RejectedByEc2', '', LATER],
  limit: ['EipQuotaReached', '', SLOW],
  'not-found': ['RejectedByEc2', '', LATER],
  'not-assigned': ['RejectedByEc2', '', LATER],
  conflict: ['EipInUse', 'another owner was faster', AT_ONCE],
  rejected: ['RejectedByEc2', '', LATER],
};

const ELASTIC_IP_BY_CODE: Readonly<Record<string, Row<Reason>>> = {
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

const ENI_SOON: Pause = [1_000, 30_000];

const ENI_OBJECT: Readonly<Record<Ec2ErrorKind, Row<EniReason>>> = {
  throttled: ['Ec2Unavailable', REPEATED, ENI_SOON],
  unavailable: ['Ec2Unavailable', REPEATED, ENI_SOON],
  'unknown-outcome': ['Ec2Unavailable', REPEATED, ENI_SOON],
  unauthorized: ['Unauthorized', "allow ec2:{action} in the controller's IAM role", SLOW],
  'held-elsewhere': ['Settling', 'EC2 is asked again', ENI_SOON],
  limit: ['LimitReached', '', SLOW],
  'not-found': ['RejectedByEc2', '', LATER],
  'not-assigned': ['Settling', 'EC2 is asked again', ENI_SOON],
  conflict: ['Settling', 'EC2 is asked again', ENI_SOON],
  rejected: ['RejectedByEc2', '', LATER],
};

const ENI_OBJECT_BY_CODE: Readonly<Record<string, Row<EniReason>>> = {
  AttachmentLimitExceeded: ['InstanceFull', '', SLOW],
};

/** Why EC2 did not give or take a private address. */
export function addressReason({ kind }: Ec2Error): Reason {
  return ADDRESS[kind];
}

/** Why a call about an Elastic IP failed. */
export function elasticIpFailure(error: Ec2Error): Meaning<Reason> {
  return meaningOf(error, ELASTIC_IP_BY_CODE[error.code] ?? ELASTIC_IP[error.kind]);
}

/** Why a call about an ENI object failed. */
export function eniObjectFailure(error: Ec2Error): Meaning<EniReason> {
  return meaningOf(error, ENI_OBJECT_BY_CODE[error.code] ?? ENI_OBJECT[error.kind]);
}

/** Why what everything depends on cannot be done or read now, in words for a pod's owner. */
export function lastErrorOf(error: unknown): Refusal {
  if (!(error instanceof Ec2Error)) return { reason: 'Ec2Unavailable', message: String(error) };
  const { kind, code, action, message } = error;
  if (kind === 'throttled')
    return { reason: ADDRESS[kind], message: `EC2 is throttling requests (${code}); ${action} is repeated` };
  if (kind === 'unauthorized') return { reason: ADDRESS[kind], message: `EC2 refused ${action}: ${message} (${code})` };
  return { reason: 'Ec2Unavailable', message: `${action} did not go through (${code}: ${message}); it is repeated` };
}

function meaningOf<Of extends string>({ action }: Ec2Error, [reason, advice, pause]: Row<Of>): Meaning<Of> {
  return { reason, advice: advice.replace('{action}', action), pause };
}
