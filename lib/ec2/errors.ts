import { Ec2Error, type Ec2ErrorKind } from '../model/ec2-error.ts';
import { type IpAddress, parseIp } from '../model/ip.ts';

/** What was asked when the failure came. */
export interface FailedCall {
  readonly action: string;
  /** A lost reply to a describe costs nothing; to anything else it leaves the outcome unknown. */
  readonly mutating: boolean;
  /** False when the caller had given up before anything was sent. */
  readonly sent: boolean;
  readonly addresses: readonly IpAddress[];
}

/**
 * EC2's codes (API reference, "Error codes") and those of the credential services in front of it.
 * A code missing here is judged by its suffix, then by the HTTP status.
 */
export const KIND_OF_CODE: ReadonlyMap<string, Ec2ErrorKind> = new Map(
  Object.entries({
    throttled: [
      'RequestLimitExceeded',
      'EC2ThrottledException',
      'Throttling',
      'ThrottlingException',
      'ThrottledException',
      'TooManyRequestsException',
      'RequestThrottled',
      'RequestThrottledException',
      'PriorRequestNotComplete',
      'BandwidthLimitExceeded',
      'SlowDown',
    ],
    // A skewed clock is corrected by the SDK from the refusal's Date header, so the next attempt fits.
    unavailable: [
      'Unavailable',
      'ServiceUnavailable',
      'RequestExpired',
      'RequestInTheFuture',
      'RequestTimeTooSkewed',
      'IncorrectState',
      'IncorrectInstanceState',
      // Whoever gives the credentials (IMDS, Pod Identity, STS) does not answer, or not yet: nothing was sent.
      'CredentialsProviderError',
      'TokenProviderError',
    ],
    'unknown-outcome': ['InternalError', 'InternalFailure'],
    unauthorized: [
      'UnauthorizedOperation',
      'AuthFailure',
      'AccessDenied',
      'AccessDeniedException',
      'Blocked',
      'OptInRequired',
      'PendingVerification',
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'MissingAuthenticationToken',
      'SignatureDoesNotMatch',
      'IncompleteSignature',
      'ExpiredToken',
      'ExpiredTokenException',
      'InvalidIdentityToken',
    ],
    'held-elsewhere': ['InvalidIPAddress.InUse', 'Resource.AlreadyAssigned'],
    limit: [
      'PrivateIpAddressLimitExceeded',
      'AddressLimitExceeded',
      'AttachmentLimitExceeded',
      'NetworkInterfaceLimitExceeded',
      'InsufficientFreeAddressesInSubnet',
      'InsufficientCidrBlocks',
      'InsufficientAddressCapacity',
      'TagLimitExceeded',
      'RouteLimitExceeded',
    ],
    conflict: [
      'RouteAlreadyExists',
      'Resource.AlreadyAssociated',
      'InvalidAddress.Locked',
      'InvalidNetworkInterface.InUse',
      'ConcurrentTagAccess',
      'DependencyViolation',
    ],
  } satisfies Partial<Record<Ec2ErrorKind, string[]>>).flatMap(([kind, codes]) =>
    codes.map((code): [string, Ec2ErrorKind] => [code, kind as Ec2ErrorKind]),
  ),
);

interface TextRule {
  readonly codes: readonly string[];
  readonly text: RegExp;
  readonly kind: Ec2ErrorKind;
}

/**
 * The one place that reads EC2's prose, for the cases that share the code InvalidParameterValue. Texts were seen in the field:
 * "[10.0.0.5] assigned, but move is not allowed.", "10.0.0.5 is already assigned.", `secondary-addresses` (the address is the
 * primary of another ENI), "Some of the specified addresses are not assigned to interface eni-…", "Network interface 'eni-…' is
 * currently in use.", "There is no route defined for '…' in the route table.", "Instance 'i-…' already has an interface attached at device index '2'."
 */
const TEXT_RULES: readonly TextRule[] = [
  { codes: ['InvalidParameterValue'], text: /are not assigned to|no route defined for/i, kind: 'not-assigned' },
  {
    codes: ['InvalidParameterValue'],
    text: /is currently in use|already has an interface attached/i,
    kind: 'conflict',
  },
  { codes: ['InvalidParameterValue'], text: /assigned, but move is not allowed/i, kind: 'held-elsewhere' },
  {
    codes: ['InvalidParameterValue'],
    text: /already (assigned|in use)|is in use|secondary-addresses/i,
    kind: 'held-elsewhere',
  },
];

/** Faults that happen before the request leaves: name resolution, connecting, the TLS handshake. */
const NEVER_LEFT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|CERT_\w+|ERR_TLS_\w+|UNABLE_TO_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+)$/;

interface Fault {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly Code?: string;
  readonly syscall?: string;
  readonly errors?: readonly Fault[];
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/** Turns whatever the SDK threw into the one error type of the program. Pure. */
export function translateError(thrown: unknown, call: FailedCall): Ec2Error {
  const fault: Fault = typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) };
  const code = codeOf(fault);
  const reason = shortened(fault.message ?? code);
  const message = lacksCredentials(fault) ? `no AWS credentials could be loaded: ${reason}` : reason;
  return new Ec2Error({
    kind: kindOf(fault, code, call),
    code,
    message,
    action: call.action,
    requestId: fault.$metadata?.requestId,
    addresses: addressesIn(message).filter((address) => call.addresses.includes(address)),
    cause: thrown,
  });
}

/** Its own text names neither EC2 nor what to look at. */
function lacksCredentials({ name }: Fault): boolean {
  return name === 'CredentialsProviderError' || name === 'TokenProviderError';
}

function codeOf(fault: Fault): string {
  const given = fault.Code ?? fault.code ?? fault.errors?.[0]?.code ?? fault.name ?? 'Unknown';
  if (given !== 'Error' && given !== 'Unknown') return given;
  // Something in front of EC2 answered, or the answer was cut short: the SDK then knows no code.
  const status = fault.$metadata?.httpStatusCode;
  return status === undefined || status < 400 ? 'UnreadableAnswer' : `HTTP${status}`;
}

function kindOf(fault: Fault, code: string, call: FailedCall): Ec2ErrorKind {
  const lost = call.mutating ? 'unknown-outcome' : 'unavailable';
  if (!call.sent) return 'unavailable';
  const kind = kindOfText(code, fault.message ?? '') ?? kindOfCode(code, call.action);
  if (kind !== undefined) return kind === 'unknown-outcome' ? lost : kind;
  const status = fault.$metadata?.httpStatusCode;
  if (status === undefined) return neverLeft(fault) ? 'unavailable' : lost;
  return kindOfStatus(status) ?? lost;
}

function kindOfText(code: string, message: string): Ec2ErrorKind | undefined {
  return TEXT_RULES.find((rule) => rule.codes.includes(code) && rule.text.test(message))?.kind;
}

function kindOfCode(code: string, action: string): Ec2ErrorKind | undefined {
  // Of an EIP it means "disassociate it first", not that another ENI has the address.
  if (code === 'InvalidIPAddress.InUse' && action === 'ReleaseAddress') return 'conflict';
  return KIND_OF_CODE.get(code) ?? (code.endsWith('.NotFound') ? 'not-found' : undefined);
}

/** For codes that nobody has documented. Undefined: the call may have been done (5xx, or an unreadable success). */
function kindOfStatus(status: number): Ec2ErrorKind | undefined {
  if (status === 429) return 'throttled';
  if (status === 401 || status === 403) return 'unauthorized';
  return status >= 400 && status < 500 ? 'rejected' : undefined;
}

function neverLeft(fault: Fault): boolean {
  // Node tries several addresses of a host at once and then throws an AggregateError of all attempts.
  if (fault.errors !== undefined && fault.errors.length > 0) return fault.errors.every(neverLeft);
  if (fault.syscall === 'connect' || fault.syscall === 'getaddrinfo') return true;
  if (fault.code !== undefined) return NEVER_LEFT.test(fault.code);
  return fault.name === 'TimeoutError' && /did not establish a connection/.test(fault.message ?? '');
}

/** EC2's own text without the kilobyte of base64 that follows a refused authorisation, and without the SDK's advice to developers. */
function shortened(message: string): string {
  return message
    .replace(/\s*Encoded authorization failure message:\s*\S+/, '')
    .replace(/\s*Deserialization error: to see the raw response.*/s, '')
    .replace(/^@(?:smithy|aws-sdk)\/?\S* (?:- \[\w+\] )?/, '')
    .trim();
}

/** Addresses in a text; networks (`10.0.0.0/24`) do not count, nor does the full stop after an address. */
function addressesIn(message: string): IpAddress[] {
  const words = message.split(/[^0-9a-f:./]+/i).map((word) => word.replace(/\.$/, ''));
  return words.map(parseIp).filter((address) => address !== undefined);
}
