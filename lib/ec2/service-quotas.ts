import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { Ec2Error } from '../model/ec2-error.ts';
import type { CallOptions } from './api.ts';
import { type CredentialChain, openCredentialChain } from './credentials.ts';
import { translateError } from './errors.ts';

export interface QuotaApi {
  /**
   * How many Elastic IPs the account may have in the region (quota L-0263D0A3 of `ec2`; default 5). AWS's default while none was
   * applied to the account. @throws {Ec2Error}
   */
  elasticIps(options: CallOptions): Promise<number>;
}

export interface QuotaClientOptions {
  readonly region: string | undefined;
  readonly version: string;
  /** Shared with the other clients of the process. @default a chain of its own */
  readonly credentials?: CredentialChain;
}

const ELASTIC_IPS = { ServiceCode: 'ec2', QuotaCode: 'L-0263D0A3' } as const;

/**
 * Opens Service Quotas with the SDK's own settings (`AWS_ENDPOINT_URL_SERVICE_QUOTAS`). Of all commands only the
 * controller asks for quotas: import this module dynamically, so that nobody else pays for its client.
 */
export function openServiceQuotas({ region, version, credentials }: QuotaClientOptions): QuotaApi {
  const client = new ServiceQuotasClient({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 1,
    customUserAgent: [['eni-agent', version]],
    credentials: credentials ?? openCredentialChain(),
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  return {
    async elasticIps({ signal }) {
      const http = { abortSignal: signal };
      try {
        return valueOf(
          await call('GetServiceQuota', signal, () => client.send(new GetServiceQuotaCommand(ELASTIC_IPS), http)),
        );
      } catch (error) {
        // Nobody has ever asked for another value.
        if (!(error instanceof Ec2Error && error.code === 'NoSuchResourceException')) throw error;
        const command = new GetAWSDefaultServiceQuotaCommand(ELASTIC_IPS);
        return valueOf(await call('GetAWSDefaultServiceQuota', signal, () => client.send(command, http)));
      }
    },
  };
}

async function call<T>(action: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  const sent = !signal.aborted;
  try {
    return await send();
  } catch (cause) {
    throw translateError(cause, { action, mutating: false, sent, addresses: [] });
  }
}

function valueOf({ Quota }: { readonly Quota?: { readonly Value?: number | undefined } | undefined }): number {
  if (Quota?.Value !== undefined) return Quota.Value;
  throw new Ec2Error({
    kind: 'rejected',
    code: 'NoValue',
    message: 'Service Quotas answered without a value',
    action: 'GetServiceQuota',
  });
}
