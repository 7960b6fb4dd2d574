import { Ec2Error, type Ec2ErrorKind } from '../../lib/model/ec2-error.ts';
import type { EniReason } from '../../lib/model/eni-objects/eni-object.ts';
import type { NodeEniReason } from '../../lib/model/node-enis/reasons.ts';
import type { Reason, Refusal } from '../../lib/model/refusal.ts';
import type { RouteStep } from '../../lib/model/routed-ips/route-plan.ts';

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
const ASKED_AGAIN = 'EC2 is asked again';
const IN_CONTROLLER = "allow ec2:{action} in the controller's IAM role";

/** What the kinds of failure mean for a private address. How long a claim then waits is its own matter: see `AddressMemory`. */
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
  // Nobody knows what became of it: a look shows it, and nobody waits for that.
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

/** What failures of calls for an interface mean, whoever it is made for. */
const INTERFACE = {
  throttled: ['Ec2Unavailable', REPEATED, ENI_SOON],
  unavailable: ['Ec2Unavailable', REPEATED, ENI_SOON],
  'unknown-outcome': ['Ec2Unavailable', REPEATED, ENI_SOON],
  unauthorized: ['Unauthorized', IN_CONTROLLER, SLOW],
  'held-elsewhere': ['Settling', ASKED_AGAIN, ENI_SOON],
  'not-assigned': ['Settling', ASKED_AGAIN, ENI_SOON],
  conflict: ['Settling', ASKED_AGAIN, ENI_SOON],
  rejected: ['RejectedByEc2', '', LATER],
} as const satisfies Partial<Readonly<Record<Ec2ErrorKind, Row<EniReason & NodeEniReason>>>>;

const ENI_OBJECT: Readonly<Record<Ec2ErrorKind, Row<EniReason>>> = {
  ...INTERFACE,
  limit: ['LimitReached', '', SLOW],
  'not-found': ['RejectedByEc2', '', LATER],
};

const ENI_OBJECT_BY_CODE: Readonly<Record<string, Row<EniReason>>> = {
  AttachmentLimitExceeded: ['InstanceFull', '', SLOW],
};

const NODE_ENI: Readonly<Record<Ec2ErrorKind, Row<NodeEniReason>>> = {
  ...INTERFACE,
  limit: ['LimitReached', 'ask AWS to raise the quota', SLOW],
  'not-found': ['Settling', ASKED_AGAIN, ENI_SOON],
};

const NO_SUCH_GROUP: Row<NodeEniReason> = ['SecurityGroupUnknown', '', SLOW];
const NOT_RUNNING: Row<NodeEniReason> = ['InstanceNotRunning', '', ENI_SOON];

const NODE_ENI_BY_CODE: Readonly<Record<string, Row<NodeEniReason>>> = {
  InsufficientFreeAddressesInSubnet: ['SubnetFull', 'add a subnet to the object, or free addresses', ENI_SOON],
  'InvalidSubnetID.NotFound': ['SubnetUnknown', '', SLOW],
  'InvalidGroup.NotFound': NO_SUCH_GROUP,
  'InvalidGroupId.Malformed': NO_SUCH_GROUP,
  'InvalidSecurityGroupID.NotFound': NO_SUCH_GROUP,
  AttachmentLimitExceeded: ['InstanceFull', '', SLOW],
  'InvalidInstanceID.NotFound': NOT_RUNNING,
  IncorrectInstanceState: NOT_RUNNING,
  IdempotentParameterMismatch: [
    'Settling',
    'an earlier call with another spec made the interface, which is looked for',
    [5_000, 30_000],
  ],
};

/** Others compete for the route, or what we knew of it was outdated. */
const NOW: Pause = [0, 0];
const ROUTE_SOON: Pause = [200, 30_000];
const OVERTAKEN: Row<Reason> = ['HeldElsewhere', '', NOW];
const ROUTE_UNKNOWN: Row<Reason> = ['Ec2Unavailable', 'it is looked at and repeated', ROUTE_SOON];

const ROUTE: Readonly<Record<Ec2ErrorKind, Row<Reason>>> = {
  throttled: ['Throttled', REPEATED, NOW],
  unavailable: ROUTE_UNKNOWN,
  'unknown-outcome': ROUTE_UNKNOWN,
  unauthorized: [
    'Unauthorized',
    "allow ec2:{action} for this table in the agent's IAM role; its tags may be missing",
    SLOW,
  ],
  'held-elsewhere': ['RejectedByEc2', '', LATER],
  limit: ['RejectedByEc2', '', LATER],
  'not-found': ['RejectedByEc2', '', LATER],
  'not-assigned': OVERTAKEN,
  conflict: OVERTAKEN,
  rejected: ['RejectedByEc2', '', LATER],
};

const ROUTE_BY_CODE: Readonly<Record<string, Row<Reason>>> = {
  'InvalidRouteTableID.NotFound': ['RouteTableNotFound', 'name a table that exists', SLOW],
  'InvalidNetworkInterfaceID.NotFound': ['InterfaceGone', '', ROUTE_SOON],
  RouteLimitExceeded: [
    'RouteLimitExceeded',
    'remove routes from the table or ask for a higher quota of routes per table',
    SLOW,
  ],
};

const CHECK_FORBIDDEN: Row<Reason> = [
  'SourceDestCheckOn',
  "turn its source/destination check off, or allow ec2:{action} in the agent's IAM role",
  SLOW,
];
const OTHER_VPC: Row<Reason> = ['RouteTableOfOtherVpc', "name a table of the ENI's VPC", SLOW];

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

/** Why a call for a NodeENI failed. */
export function nodeEniFailure(error: Ec2Error): Meaning<NodeEniReason> {
  return meaningOf(error, NODE_ENI_BY_CODE[error.code] ?? NODE_ENI[error.kind]);
}

/** Why a call for a route failed. */
export function routeFailure(error: Ec2Error, step: RouteStep['kind']): Meaning<Reason> {
  const { kind, code, message } = error;
  if (kind === 'unauthorized' && step === 'uncheck') return meaningOf(error, CHECK_FORBIDDEN);
  // EC2 says this in words only: the code is that of any wrong parameter.
  const isOfOtherVpc = ROUTE[kind][0] === 'RejectedByEc2' && /different networks|different vpc/i.test(message);
  return meaningOf(error, ROUTE_BY_CODE[code] ?? (isOfOtherVpc ? OTHER_VPC : ROUTE[kind]));
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
