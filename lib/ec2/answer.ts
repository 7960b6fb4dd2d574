import type { EC2Client } from '@aws-sdk/client-ec2';

/** An HTTP success that is not an answer of EC2: nothing in it may be believed, not even that there is nothing. */
class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId?: string };

  constructor(message: string, status: number, requestId: string | undefined) {
    super(message);
    this.$metadata = { httpStatusCode: status, ...(requestId === undefined ? {} : { requestId }) };
  }
}

/** What an answer must contain beside its request id. An empty list is `<xSet/>` on the wire, never a missing one (facts §1.0, §8). */
const CONTENT: Readonly<Record<string, string>> = {
  AllocateAddress: 'allocationId',
  AssociateAddress: 'associationId',
  AttachNetworkInterface: 'attachmentId',
  CreateNetworkInterface: 'networkInterface',
  DescribeAccountAttributes: 'accountAttributeSet',
  DescribeAddresses: 'addressesSet',
  DescribeInstances: 'reservationSet',
  DescribeInstanceTypes: 'instanceTypeSet',
  DescribeInternetGateways: 'internetGatewaySet',
  DescribeNetworkInterfaces: 'networkInterfaceSet',
  DescribePublicIpv4Pools: 'publicIpv4PoolSet',
  DescribeSubnets: 'subnetSet',
};

/**
 * Why this body cannot be EC2's answer to the action; undefined when it can be one. Pure.
 *
 * The SDK reads an empty body, a proxy's HTML page or another service's XML as a success with nothing in it: an instance without
 * ENIs, an address assigned. EC2's answers name their action in the root element and carry a request id (facts §1.0).
 */
export function faultOfAnswer(action: string, body: string): string | undefined {
  if (body.trim() === '') return 'it is empty';
  const root = /^\uFEFF?\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*)*<([\w:.-]+)[\s/>]/.exec(body)?.[1];
  if (root !== `${action}Response`) return root === undefined ? 'it is not XML' : `it is <${root}>`;
  if (!has(body, 'requestId')) return 'it has no request id';
  if (/<return>\s*false\s*<\/return>/.test(body)) return 'it says that nothing was done';
  const content = CONTENT[action];
  return content === undefined || has(body, content) ? undefined : `it has no <${content}>`;
}

function has(body: string, element: string): boolean {
  return new RegExp(`<${element}[\\s/>]`).test(body);
}

/** The parts of the SDK's HTTP messages that are looked at here. */
interface RawRequest {
  readonly body?: unknown;
}

interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
}

/**
 * Makes every call of the client fail whose HTTP success carries no answer of EC2: the outcome of a write is then unknown, and a read
 * has told nothing. One place for all calls, below the SDK's deserialiser, which would not notice.
 */
export function refuseForeignAnswers(client: EC2Client): EC2Client {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      await check(actionOf(args.request as RawRequest), result.response as RawResponse);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'refuseForeignAnswers' },
  );
  return client;
}

async function check(action: string, response: RawResponse): Promise<void> {
  if (response.statusCode < 200 || response.statusCode >= 300) return;
  const bytes = await collect(response.body);
  // The stream is used up; the deserialiser takes bytes as well.
  response.body = bytes;
  const fault = faultOfAnswer(action, new TextDecoder().decode(bytes));
  if (fault === undefined) return;
  const message = `HTTP ${response.statusCode} without an answer of EC2: ${fault}; is a proxy or another service in between?`;
  throw new UnreadableAnswer(message, response.statusCode, response.headers['x-amzn-requestid']);
}

function actionOf({ body }: RawRequest): string {
  return new URLSearchParams(typeof body === 'string' ? body : '').get('Action') ?? '';
}

async function collect(body: RawResponse['body']): Promise<Uint8Array> {
  if (body === undefined || body instanceof Uint8Array) return body ?? new Uint8Array();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
