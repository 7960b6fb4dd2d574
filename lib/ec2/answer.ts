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

/**
 * What an answer must name beside its request id: without the new thing's id, what was done has to be found by a describe. A list may be
 * missing: EC2 writes an empty one as `<xSet/>` (facts §1.0), other servers of its protocol leave it out.
 */
const CONTENT: Readonly<Record<string, string>> = {
  AllocateAddress: 'allocationId',
  AssociateAddress: 'associationId',
  AttachNetworkInterface: 'attachmentId',
  CreateNetworkInterface: 'networkInterface',
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
  if (!/<requestId[\s/>]/i.test(body)) return 'it has no request id';
  if (/<return>\s*false\s*<\/return>/.test(body)) return 'it says that nothing was done';
  const content = CONTENT[action];
  const named = content === undefined || new RegExp(`<${content}[\\s/>]`).test(body);
  return named ? undefined : `it has no <${content}>`;
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
 * has said nothing. One place for all calls, below the SDK's deserialiser, which would not notice.
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
