import { Ec2Error, type Ec2ErrorKind } from '../model/ec2-error.ts';
import type { IpAddress } from '../model/ip.ts';
import type { Ec2Client } from './client.ts';
import { translateError } from './errors.ts';

/** Every EC2 action of the program. Names are spelled out because a minified bundle renames the SDK's command classes. */
export type Ec2Action =
  | 'AllocateAddress'
  | 'AssignIpv6Addresses'
  | 'AssignPrivateIpAddresses'
  | 'AssociateAddress'
  | 'AttachNetworkInterface'
  | 'CreateNetworkInterface'
  | 'CreateRoute'
  | 'CreateTags'
  | 'DeleteNetworkInterface'
  | 'DeleteRoute'
  | 'DeleteTags'
  | 'DescribeAddresses'
  | 'DescribeInstances'
  | 'DescribeInstanceTypes'
  | 'DescribeNetworkInterfaces'
  | 'DescribePublicIpv4Pools'
  | 'DescribeSecurityGroups'
  | 'DescribeRouteTables'
  | 'DescribeSubnets'
  | 'DetachNetworkInterface'
  | 'DisassociateAddress'
  | 'ModifyNetworkInterfaceAttribute'
  | 'ReleaseAddress'
  | 'ReplaceRoute'
  | 'UnassignIpv6Addresses'
  | 'UnassignPrivateIpAddresses';

/** One finished call, for metrics and logs. A paginated describe reports each page. */
export interface Ec2Call {
  readonly action: Ec2Action;
  readonly durationMs: number;
  readonly requestId: string | undefined;
  /** Private addresses that the call names. */
  readonly addresses: number;
  readonly error: { readonly code: string; readonly kind: Ec2ErrorKind } | undefined;
}

export interface Ec2Connection {
  readonly client: Ec2Client;
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** Called once for every call, also for one that failed. Must not throw. */
  readonly onCall: (call: Ec2Call) => void;
}

export interface CallRequest {
  readonly action: Ec2Action;
  readonly signal: AbortSignal;
  readonly addresses?: readonly IpAddress[];
}

interface Answer {
  readonly $metadata: { readonly requestId?: string | undefined };
}

type Send<Output> = (client: Ec2Client, options: { abortSignal: AbortSignal }) => Promise<Output>;

/**
 * Sends one command, reports it to `onCall` and translates a failure. A read whose connection was reset is sent once more at once: a
 * kept-alive connection that EC2 has closed meanwhile fails like that, and reading twice does no harm. Both are reported.
 * @throws {Ec2Error} and nothing else.
 */
export async function call<Output extends Answer>(
  connection: Ec2Connection,
  request: CallRequest,
  send: Send<Output>,
): Promise<Output> {
  try {
    return await attempt(connection, request, send);
  } catch (error) {
    if (isWrite(request) || request.signal.aborted || !wasReset(error)) throw error;
    return attempt(connection, request, send);
  }
}

function isWrite({ action }: CallRequest): boolean {
  return !action.startsWith('Describe');
}

/** Node's codes for a connection that the other side has closed. */
function wasReset(error: unknown): boolean {
  return error instanceof Ec2Error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

async function attempt<Output extends Answer>(
  connection: Ec2Connection,
  request: CallRequest,
  send: Send<Output>,
): Promise<Output> {
  const { action, signal, addresses = [] } = request;
  const startedAt = connection.now();
  const report = (requestId: string | undefined, error: Ec2Call['error']) => {
    const durationMs = connection.now() - startedAt;
    connection.onCall({ action, durationMs, requestId, addresses: addresses.length, error });
  };
  const sent = !signal.aborted;
  try {
    const output = await send(connection.client, { abortSignal: signal });
    report(output.$metadata.requestId, undefined);
    return output;
  } catch (cause) {
    const error = translateError(cause, { action, addresses, mutating: isWrite(request), sent });
    report(error.requestId, { code: error.code, kind: error.kind });
    throw error;
  }
}

/** Follows `NextToken` to the last page. A stand-in answers an empty token on the last page, EC2 none. */
export async function allPages<Output extends { readonly NextToken?: string | undefined }, Item>(
  page: (token: string | undefined) => Promise<Output>,
  items: (output: Output) => readonly Item[] | undefined,
): Promise<Item[]> {
  const all: Item[] = [];
  let token: string | undefined;
  do {
    const output = await page(token);
    all.push(...(items(output) ?? []));
    token = output.NextToken || undefined;
  } while (token !== undefined);
  return all;
}

/** Most values that one filter of a describe may have (`FilterLimitExceeded`). */
const MAX_FILTER_VALUES = 200;

/** Cuts a list into pieces that fit into one filter each. */
export function filterChunks<Value>(values: readonly Value[]): Value[][] {
  const chunks: Value[][] = [];
  for (let start = 0; start < values.length; start += MAX_FILTER_VALUES) {
    chunks.push(values.slice(start, start + MAX_FILTER_VALUES));
  }
  return chunks;
}
