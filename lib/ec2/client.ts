import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { refuseForeignAnswers } from './answer.ts';
import { type CredentialChain, openCredentialChain } from './credentials.ts';

export type Ec2Client = EC2Client;

export interface Ec2ClientOptions {
  /** See `chooseRegion`. Undefined leaves it to the SDK's own configuration. */
  readonly region: string | undefined;
  readonly version: string;
  /** Shared with the other clients of the process. @default a chain of its own */
  readonly credentials?: CredentialChain;
  /**
   * Time until the connection stands, ms.
   * @default 2000
   */
  readonly connectTimeoutMs?: number;
  /**
   * Time from sending until the answer's head, and the longest silence after it, ms.
   * @default 10000
   */
  readonly requestTimeoutMs?: number;
  /** The wire, for simulations on a virtual clock. @default Node's HTTP */
  readonly requestHandler?: NonNullable<EC2ClientConfig['requestHandler']>;
}

/**
 * Opens the EC2 client: credentials by {@link openCredentialChain}, endpoint by the SDK's own settings
 * only (`AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`), so that what works for other AWS tools works here.
 * An HTTP success that is not an answer of EC2 fails the call. Makes no call; credentials are loaded with the first one.
 */
export function openEc2Client(options: Ec2ClientOptions): Ec2Client {
  const requestTimeout = options.requestTimeoutMs ?? 10_000;
  const client = new EC2Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    // One attempt: our loops repeat calls themselves, because work that waits for its turn merges into the next call, while a
    // repetition inside the SDK would send an outdated batch; and a lost reply must be looked up, never sent again blindly.
    maxAttempts: 1,
    retryMode: 'standard',
    customUserAgent: [['eni-agent', options.version]],
    credentials: options.credentials ?? openCredentialChain(),
    requestHandler: options.requestHandler ?? {
      connectionTimeout: options.connectTimeoutMs ?? 2_000,
      requestTimeout,
      // Without this flag the SDK merely logs that the time is over.
      throwOnRequestTimeout: true,
      // An answer that stops halfway is not covered by the request timeout.
      socketTimeout: requestTimeout,
      // A few calls and describes at once; more sockets would only keep more TLS sessions in memory.
      httpAgent: { keepAlive: true, maxSockets: 48, maxFreeSockets: 4 },
      httpsAgent: { keepAlive: true, maxSockets: 48, maxFreeSockets: 4 },
    },
  } satisfies EC2ClientConfig);
  return refuseForeignAnswers(client);
}
