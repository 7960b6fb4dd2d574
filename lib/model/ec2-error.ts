import type { IpAddress } from './ip.ts';

/**
 * What an EC2 failure means for us. The adapter translates codes (and, where EC2 gives only text, text) once. `throttled` slow down;
 * `unavailable` the call surely did nothing and may be repeated (no credentials yet, too); `unknown-outcome` it may have been done (lost
 * reply, timeout): describe before repeating; `unauthorized` IAM, or credentials that EC2 refuses; `held-elsewhere` the address is on
 * another ENI and this call may not move it; `limit` the ENI or the account is full; `not-found` the ENI, EIP or association is gone;
 * `not-assigned` the address is not on the named ENI, or the table has no such route; `conflict` associated already, or lost a race;
 * `rejected` anything else that repeating will not fix.
 */
export type Ec2ErrorKind =
  | 'throttled'
  | 'unavailable'
  | 'unknown-outcome'
  | 'unauthorized'
  | 'held-elsewhere'
  | 'limit'
  | 'not-found'
  | 'not-assigned'
  | 'conflict'
  | 'rejected';

export interface Ec2ErrorFields {
  readonly kind: Ec2ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly action: string;
  readonly requestId?: string | undefined;
  readonly addresses?: readonly IpAddress[];
  readonly cause?: unknown;
}

/** The only error that the EC2 adapter throws for an answer of EC2 or the lack of one. */
export class Ec2Error extends Error {
  override readonly name = 'Ec2Error';
  readonly kind: Ec2ErrorKind;
  /** EC2's own code, e.g. `PrivateIpAddressLimitExceeded`, or the network fault's code. */
  readonly code: string;
  readonly action: string;
  readonly requestId: string | undefined;
  /** Those addresses of the call that EC2's text names, so that a batch can be split at the culprits. Empty when it names none. */
  readonly addresses: readonly IpAddress[];

  constructor(fields: Ec2ErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.kind = fields.kind;
    this.code = fields.code;
    this.action = fields.action;
    this.requestId = fields.requestId;
    this.addresses = fields.addresses ?? [];
  }
}
