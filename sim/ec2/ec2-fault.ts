/** A refusal as EC2 words it. The server renders it as the error XML; in-process callers catch it. */
export class Ec2Fault extends Error {
  override readonly name = 'Ec2Fault';
  readonly code: string;
  /** HTTP status: 400 client, 401/403 credentials and permission, 412 dry run, 5xx server (facts §1.0). */
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function invalidValue(message: string): Ec2Fault {
  return new Ec2Fault('InvalidParameterValue', message);
}

export function invalidCombination(message: string): Ec2Fault {
  return new Ec2Fault('InvalidParameterCombination', message);
}

export function missingParameter(name: string): Ec2Fault {
  return new Ec2Fault('MissingParameter', `The request must contain the parameter ${name}`);
}

/** What a service-managed ENI or EIP answers to its user (facts §1.1, §1.6). */
export function notYours(): Ec2Fault {
  return new Ec2Fault('AuthFailure', 'You do not have permission to access the specified resource.', 401);
}

export function requestLimitExceeded(): Ec2Fault {
  return new Ec2Fault('RequestLimitExceeded', 'Request limit exceeded.', 503);
}

export function dryRunSucceeded(): Ec2Fault {
  return new Ec2Fault('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

export function unauthorized(): Ec2Fault {
  const message =
    'You are not authorized to perform this operation. Encoded authorization failure message: c2ltdWxhdGVk';
  return new Ec2Fault('UnauthorizedOperation', message, 403);
}

const notFoundTexts = {
  'network-interface': (id) => ['InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`],
  instance: (id) => ['InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`],
  subnet: (id) => ['InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`],
  vpc: (id) => ['InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`],
  'security-group': (id) => ['InvalidGroup.NotFound', `The security group '${id}' does not exist`],
  allocation: (id) => ['InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`],
  association: (id) => ['InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`],
  attachment: (id) => ['InvalidAttachmentID.NotFound', `The attachment ID '${id}' does not exist`],
  address: (ip) => ['InvalidAddress.NotFound', `Address '${ip}' not found.`],
  'route-table': (id) => ['InvalidRouteTableID.NotFound', `The routeTable ID '${id}' does not exist`],
  pool: (id) => ['InvalidPublicIpv4PoolID.NotFound', `The pool ID '${id}' does not exist`],
  resource: (id) => ['InvalidID', `The ID '${id}' is not valid`],
} satisfies Record<string, (id: string) => [code: string, message: string]>;

/** The `*.NotFound` fault of one kind of resource. */
export function notFound(kind: keyof typeof notFoundTexts, id: string): Ec2Fault {
  const [code, message] = notFoundTexts[kind](id);
  return new Ec2Fault(code, message);
}
